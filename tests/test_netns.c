/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_netns.c - a manager in one network namespace serves `muster run` in another, over a pair of virtual interfaces.
 *
 * Each namespace lives as long as a child that holds it, and the interfaces live as long as the namespaces, so nothing
 * has a name that could be left behind. Making them takes permission; without it the tests are skipped. */
#include "bench/ipc/handshake.h"
#include "bench/registry.h"
#include "tests/frame.h"
#include "tests/processes.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENDED_S     60
#define SERVER_HOST "10.213.0.1"
#define CLIENT_HOST "10.213.0.2"

/* --- namespaces -------------------------------------------------------------------------------------------------- */

struct world {
    pid_t server, client; /* who hold the namespaces */
    pid_t manager;
    char address[128], key[256], other_key[256];
};

/* 0: not permitted. */
static pid_t hold_namespace(void)
{
    int pipes[2];
    char made = 0;
    if (pipe2(pipes, O_CLOEXEC))
        return 0;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || unshare(CLONE_NEWNET) ||
            write(pipes[1], "y", 1) != 1)
            _exit(1);
        close(pipes[1]);
        for (;;)
            pause();
    }
    close(pipes[1]);
    bool held = read(pipes[0], &made, 1) == 1;
    close(pipes[0]);
    if (held || pid < 0)
        return pid > 0 ? pid : 0;
    waitpid(pid, NULL, 0);
    return 0;
}

static void enter_namespace(pid_t holder)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)holder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET))
        _exit(126);
    close(fd);
}

static void aim(int from, const char *path)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (fd < 0)
        return;
    dup2(fd, from);
    close(fd);
}

/* A program in a namespace, its output in files of the test's folder. */
static pid_t start_in(pid_t holder, const char *out, const char *err, char *const *argv)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        _exit(126);
    enter_namespace(holder);
    aim(STDOUT_FILENO, out);
    aim(STDERR_FILENO, err);
    execvp(argv[0], argv);
    _exit(127);
}

static int ip(pid_t holder, const char *command)
{
    char text[200], *words[32];
    unsigned n = 0;
    snprintf(text, sizeof text, "ip %s", command);
    for (char *at = text, *word; n < 31 && (word = strtok_r(at, " ", &at));)
        words[n++] = word;
    words[n] = NULL;
    return processes_wait(start_in(holder, NULL, NULL, words), ENDED_S);
}

static bool connect_namespaces(const struct world *w)
{
    char move[64];
    snprintf(move, sizeof move, "link set to_server netns %d", (int)w->client);
    return ip(w->server, "link add to_client type veth peer name to_server") == 0 && ip(w->server, move) == 0 &&
           ip(w->server, "addr add " SERVER_HOST "/24 dev to_client") == 0 && ip(w->server, "link set lo up") == 0 &&
           ip(w->server, "link set to_client up") == 0 &&
           ip(w->client, "addr add " CLIENT_HOST "/24 dev to_server") == 0 && ip(w->client, "link set lo up") == 0 &&
           ip(w->client, "link set to_server up") == 0;
}

/* --- the manager ------------------------------------------------------------------------------------------------- */

static void in_folder(char path[256], const char *name)
{
    CU_ASSERT_FATAL(snprintf(path, 256, "%s/%s", frame_folder(), name) < 256);
}

static void write_key(const char *path, const char *key)
{
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(key, file);
    fclose(file);
    CU_ASSERT_EQUAL(chmod(path, 0600), 0);
}

static bool read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, size - 1, file) : 0;
    if (file)
        fclose(file);
    text[n] = '\0';
    return n > 0;
}

static void await_address(struct world *w, const char *path)
{
    char text[200] = "";
    for (int i = 0; i < 1000 && !(read_file(path, text, sizeof text) && strchr(text, '\n')); i++)
        processes_pause(0.01);
    CU_ASSERT_EQUAL(sscanf(text, "listening on %127s", w->address), 1);
}

static void start_manager(struct world *w)
{
    char out[256], listen_at[] = "tcp:" SERVER_HOST ":0";
    char muster[4096], command[] = "manager", listen_option[] = "--listen", key_option[] = "--key-file";
    snprintf(muster, sizeof muster, "%s", frame_built("muster"));
    in_folder(out, "listening");
    in_folder(w->key, "key");
    in_folder(w->other_key, "other-key");
    write_key(w->key, "a key of more than 16 bytes");
    write_key(w->other_key, "another key of more than 16 bytes");
    char *argv[] = {muster, command, listen_option, listen_at, key_option, w->key, NULL};
    w->manager = start_in(w->server, out, "/dev/null", argv);
    await_address(w, out);
}

/* False: skipped. */
static bool open_world(struct world *w)
{
    *w = (struct world){.server = 0};
    if (!handshake_can_prove()) {
        frame_skip("without libsodium nobody is served over a network");
        return false;
    }
    w->server = hold_namespace();
    w->client = w->server ? hold_namespace() : 0;
    if (w->client && connect_namespaces(w)) {
        start_manager(w);
        return true;
    }
    frame_skip("network namespaces and virtual interfaces are not permitted here, or there is no ip");
    return false;
}

static void end(pid_t pid, int with)
{
    if (pid > 0) {
        kill(pid, with);
        processes_wait(pid, ENDED_S);
    }
}

static void close_world(struct world *w)
{
    if (w->manager) {
        kill(w->manager, SIGTERM);
        CU_ASSERT_EQUAL(processes_wait(w->manager, ENDED_S), 0);
    }
    end(w->client, SIGKILL);
    end(w->server, SIGKILL);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static const char *served_by_address(void)
{
    for (const struct strategy *const *s = strategies; *s; s++)
        if ((*s)->by_address)
            return (*s)->name;
    return "";
}

/* `muster run` in the client's namespace: its exit code, and what it said. */
static int run(const struct world *w, const char *key, char *out, size_t out_size, char *err, size_t err_size)
{
    char out_path[256], err_path[256], script[2048];
    char sh[] = "sh", dash_c[] = "-c";
    in_folder(out_path, "out");
    in_folder(err_path, "err");
    snprintf(script, sizeof script,
             "exec '%s' run -s %s -w map,counter -n 1 -c 16 --items 256 --blocks 1 --windows 1 --idle natural "
             "--oversubscribe --placement none --format json --manager '%s' --key-file '%s'",
             frame_built("muster"), served_by_address(), w->address, key);
    char *argv[] = {sh, dash_c, script, NULL};
    int code = processes_wait(start_in(w->client, out_path, err_path, argv), ENDED_S);
    read_file(out_path, out, out_size);
    read_file(err_path, err, err_size);
    return code;
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

static void right_key_is_served(void)
{
    static char out[1 << 18], err[1 << 12];
    struct world w;
    if (!open_world(&w)) {
        close_world(&w);
        return;
    }
    int code = run(&w, w.key, out, sizeof out, err, sizeof err);
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_EQUAL(count(out, "\"status\": \"ok\""), 2);
    CU_ASSERT_EQUAL(count(out, "\"manager\": \"tcp:" SERVER_HOST ":"), 2);
    if (code)
        fprintf(stderr, "muster run said: %s\n", err);
    close_world(&w);
}

static void wrong_key_is_refused(void)
{
    static char out[1 << 12], err[1 << 12];
    struct world w;
    if (!open_world(&w)) {
        close_world(&w);
        return;
    }
    CU_ASSERT_EQUAL(run(&w, w.other_key, out, sizeof out, err, sizeof err), 5);
    CU_ASSERT_EQUAL(count(err, "refused: wrong key"), 1);
    CU_ASSERT_EQUAL(count(err, "\n"), 1);
    CU_ASSERT_STRING_EQUAL(out, "");
    /* one that nobody serves at */
    char *port = strrchr(w.address, ':');
    snprintf(port, 4, ":1");
    CU_ASSERT_EQUAL(run(&w, w.key, out, sizeof out, err, sizeof err), 5);
    CU_ASSERT_EQUAL(count(err, "cannot reach a manager at tcp:" SERVER_HOST ":1: Connection refused"), 1);
    CU_ASSERT_EQUAL(count(err, "\n"), 1);
    close_world(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"netns: a manager in one serves a run in another", right_key_is_served, 120},
        {"netns: a wrong key is refused, once", wrong_key_is_refused, 120},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
