/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * folder.c - making a folder and those above it. */
#include "harness/folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_one(const char *path)
{
    return mkdir(path, 0777) && errno != EEXIST ? -1 : 0;
}

int folder_make(const char *path, struct problem *problem)
{
    char part[PATH_MAX];
    struct stat is;
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return problem_set(problem, EXIT_NO_OUTPUT, "the folder's name is too long");
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int bad = make_one(part);
        *slash = '/';
        if (bad)
            break;
    }
    if (make_one(part))
        return problem_set(problem, EXIT_NO_OUTPUT, "cannot make the folder %s: %s", path, strerror(errno));
    if (stat(part, &is) || !S_ISDIR(is.st_mode))
        return problem_set(problem, EXIT_NO_OUTPUT, "%s is not a folder; results need one", path);
    return 0;
}

int folder_forget(const char *path, const char *name, struct problem *problem)
{
    char file[PATH_MAX];
    if (snprintf(file, sizeof file, "%s/%s", path, name) >= (int)sizeof file)
        return problem_set(problem, EXIT_NO_OUTPUT, "the folder's name is too long");
    if (unlink(file) && errno != ENOENT && errno != ENOTDIR)
        return problem_set(problem, EXIT_NO_OUTPUT, "cannot replace %s: %s", file, strerror(errno));
    return 0;
}
