/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * downloads.c - the exercise: a pool of three downloads the pages whose addresses are in a file, each with curl.
 *
 *     def download(line): return subprocess.run(['curl', ..., line])
 *     for page in Pool(3).map(download, open('download.txt')): print(page)
 *
 *     downloads [STRATEGY [FILE]]
 *
 * FILE (download.txt of the current folder, where none is named) has an address on each line; empty lines and lines
 * that begin with # are passed over. downloads.txt beside this is the test's: its server's port comes where %PORT% is.
 *
 * Prints `STATUS BYTES ADDRESS` for each, in the order of the file. One at a time goes to each worker, so that whoever
 * is done takes the next. A page that does not come is told on stderr, and harms no other. */
#include "tests/introductions/introduction.h"

#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_BYTES = 1000, PAGES_MOST = 1000 };

extern char **environ;

/* Runs curl, which writes "STATUS BYTES" to `to`. */
static int run_curl(const char *address, int to)
{
    char *argv[] = {"curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code} %{size_download}",
                    "--",   NULL, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    argv[9] = (char *)address;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
    bool runs = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    return !runs || waitpid(pid, &status, 0) != pid ? 127 : WEXITSTATUS(status);
}

static int download(struct worker *self, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                    size_t n)
{
    (void)ctx, (void)argument;
    for (size_t i = 0; i < n; i++) {
        const char *address = (const char *)in + i * LINE_BYTES;
        char *page = (char *)out + i * LINE_BYTES, said[64] = "";
        int ends[2];
        if (pipe(ends))
            return -1;
        int code = run_curl(address, ends[1]);
        close(ends[1]);
        if (read(ends[0], said, sizeof said - 1) < 1 || code)
            item_failed(self, first + i, "%s: curl ended with %d", address, code);
        close(ends[0]);
        snprintf(page, LINE_BYTES, "%s %s", said[0] ? said : "000 0", address);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct strategy *strategy = strategy_named(argc, argv, "prefork-pipe");
    struct setup setup = {
        .workers = workers_of(strategy, 3), .items = PAGES_MOST, .in_size = LINE_BYTES, .out_size = LINE_BYTES};
    FILE *file = fopen(argc > 2 ? argv[2] : "download.txt", "r");
    POOL_SCOPE struct pool *pool = NULL;
    size_t n = 0;
    if (!file)
        return perror(argc > 2 ? argv[2] : "download.txt"), 66;
    must(pool_open(&pool, strategy, &setup, &error));
    must(pool_start(pool, &error));
    for (char *line = pool_in(pool); n < PAGES_MOST && fgets(line + n * LINE_BYTES, LINE_BYTES / 2, file);) {
        char *address = line + n * LINE_BYTES;
        address[strcspn(address, " \r\n")] = '\0';
        n += address[0] != '\0' && address[0] != '#';
    }
    fclose(file);
    if (pool_map(pool, download, 0, n, 1, &error))
        fprintf(stderr, "%s\n", error.text);
    for (size_t i = 0; i < n; i++)
        puts((char *)pool_out(pool) + i * LINE_BYTES);
    return 0;
}
