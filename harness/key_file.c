/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * key_file.c - reading a key, and refusing one that others may know. */
#include "harness/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All is asked of the file that is open, not of its name, which may be another's by now. */
static int check(int fd, const char *path, struct problem *problem)
{
    struct stat s;
    if (fstat(fd, &s))
        return problem_set(problem, EXIT_NO_INPUT, "cannot look at the key file %s: %s", path, strerror(errno));
    if (!S_ISREG(s.st_mode))
        return problem_set(problem, EXIT_BAD_FILE, "the key file %s is not a plain file", path);
    if (s.st_uid != geteuid())
        return problem_set(problem, EXIT_BAD_FILE, "the key file %s belongs to another user: make a copy of your own",
                           path);
    if (s.st_mode & (S_IRWXG | S_IRWXO))
        return problem_set(problem, EXIT_BAD_FILE, "others may use the key file %s (its mode is %03o): chmod 600 it",
                           path, (unsigned)(s.st_mode & 0777));
    return 0;
}

static int read_whole(int fd, struct key_file *key, const char *path, struct problem *problem)
{
    while (key->count < sizeof key->bytes) {
        ssize_t n = read(fd, key->bytes + key->count, sizeof key->bytes - key->count);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return problem_set(problem, EXIT_BAD_FILE, "cannot read the key file %s: %s", path, strerror(errno));
        key->count += n > 0 ? (size_t)n : 0;
    }
    if (key->count < KEY_LEAST || key->count > KEY_MOST)
        return problem_set(problem, EXIT_BAD_FILE, "the key file %s has %s than %d bytes: a key is %d to %d raw bytes",
                           path, key->count < KEY_LEAST ? "fewer" : "more",
                           key->count < KEY_LEAST ? KEY_LEAST : KEY_MOST, KEY_LEAST, KEY_MOST);
    return 0;
}

int key_file_read(struct key_file *key, const char *path, struct problem *problem)
{
    *key = (struct key_file){.count = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return problem_set(problem, EXIT_NO_INPUT, "cannot open the key file %s: %s", path, strerror(errno));
    int result = check(fd, path, problem);
    if (result == 0)
        result = read_whole(fd, key, path, problem);
    close(fd);
    return result;
}
