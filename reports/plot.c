/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * plot.c - collects the script of all pictures, runs gnuplot over it and reads back what it drew.
 *
 * gnuplot reads its script from an unlinked file and writes its complaints to another: nothing can block and no
 * SIGPIPE can come. It runs in a process group of its own, in the folder where the pictures go, and is ended at its
 * deadline. A picture counts as drawn when its file ends as an SVG ends; a full disk or a crash half way leaves
 * shorter ones. */
#include "reports/plot.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int plots_open(struct plots *p)
{
    *p = (struct plots){0};
    p->stream = open_memstream(&p->script, &p->script_size);
    return p->stream ? 0 : -1;
}

static char *file_name(const char *name)
{
    char *copy = strdup(name);

    for (char *c = copy; c && *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-')
            *c = '-';
    return copy;
}

FILE *plots_add(struct plots *p, const char *name, int height)
{
    struct picture *more = realloc(p->pictures, (p->count + 1) * sizeof(*more));

    if (!more)
        return NULL;
    p->pictures = more;
    more[p->count] = (struct picture){.name = file_name(name)};
    if (!more[p->count].name)
        return NULL;
    fprintf(p->stream,
            "reset\n"
            "set terminal svg size %d,%d font 'sans-serif,%d' background rgb '#ffffff' noenhanced\n"
            "set encoding utf8\n"
            "set output '%s.svg'\n"
            "set style fill solid\n"
            "set bars 0.6\n"
            "set tics nomirror scale 0.5\n"
            "set border 1 lc rgb '#7f7f7f'\n"
            "set grid xtics lt 1 lc rgb '#d0d0d0'\n",
            PLOT_WIDTH, height, PLOT_FONT, more[p->count].name);
    p->count++;
    return p->stream;
}

/* A descriptor of an unnamed file at its beginning, or -1. */
static int memory_file(const char *content, size_t size)
{
    int fd = memfd_create("gnuplot", MFD_CLOEXEC);

    while (fd >= 0 && size > 0) {
        ssize_t n = write(fd, content, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            close(fd);
            return -1;
        }
        content += n;
        size -= (size_t)n;
    }
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Starts gnuplot without the user's own settings; 0, or an error number. */
static int start_gnuplot(pid_t *pid, const char *dir, int script, int complaints)
{
    static char program[] = "gnuplot", plain[] = "--default-settings";
    char *argv[] = {program, plain, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int error = posix_spawn_file_actions_init(&actions);

    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error)
        goto destroy_actions;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    error = error ? error : posix_spawnattr_setsigdefault(&attributes, &defaults);
    error = error ? error : posix_spawn_file_actions_addchdir_np(&actions, dir);
    error = error ? error : posix_spawn_file_actions_adddup2(&actions, script, STDIN_FILENO);
    error = error ? error : posix_spawn_file_actions_adddup2(&actions, complaints, STDOUT_FILENO);
    error = error ? error : posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
    error = error ? error : posix_spawnp(pid, program, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
destroy_actions:
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Waits until the child has ended, at most PLOT_DEADLINE_MS, and reaps it. 1 when it had to be killed. */
static int await_child(pid_t pid, int *status)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), late = 0, ready;
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};

    do
        ready = pidfd < 0 ? 0 : poll(&ended, 1, PLOT_DEADLINE_MS);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0) {
        kill(-pid, SIGKILL);
        late = 1;
    }
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
    if (pidfd >= 0)
        close(pidfd);
    return late;
}

/* The first line that says something, in *p's trouble. */
static void note_complaint(struct plots *p, int complaints)
{
    char text[256] = "";
    ssize_t n = pread(complaints, text, sizeof(text) - 1, 0);
    const char *begin = text + strspn(text, " \t\r\n");

    text[n > 0 ? n : 0] = '\0';
    snprintf(p->trouble, sizeof(p->trouble), "gnuplot could not draw: %.*s", (int)strcspn(begin, "\r\n"),
             *begin ? begin : "it failed without a word");
}

static void run_gnuplot(struct plots *p, const char *dir)
{
    int script = memory_file(p->script, p->script_size), complaints = memory_file(NULL, 0), error, status = 0;
    pid_t pid;

    if (script < 0 || complaints < 0) {
        snprintf(p->trouble, sizeof(p->trouble), "gnuplot could not be given its script: %s", strerror(errno));
        goto close_files;
    }
    error = start_gnuplot(&pid, dir, script, complaints);
    if (error == ENOENT)
        snprintf(p->trouble, sizeof(p->trouble), "gnuplot is not installed (no such program on PATH)");
    else if (error)
        snprintf(p->trouble, sizeof(p->trouble), "gnuplot could not be started: %s", strerror(error));
    else if (await_child(pid, &status))
        snprintf(p->trouble, sizeof(p->trouble), "gnuplot took more than %d s and was ended", PLOT_DEADLINE_MS / 1000);
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        note_complaint(p, complaints);
close_files:
    if (script >= 0)
        close(script);
    if (complaints >= 0)
        close(complaints);
}

/* The whole file, or NULL: absent, cut short, or memory is short. */
static char *read_drawing(const char *dir, const char *name)
{
    static const char end[] = "</svg>";
    char *path = NULL, *text = NULL;
    size_t size = 0, room = 0;
    FILE *file = NULL;

    if (asprintf(&path, "%s/%s.svg", dir, name) < 0)
        return NULL;
    file = fopen(path, "re");
    if (file && getdelim(&text, &room, '\0', file) > 0)
        size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        text[--size] = '\0';
    if (size < sizeof(end) - 1 || strcmp(text + size - (sizeof(end) - 1), end) != 0) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    free(path);
    return text;
}

int plots_draw(struct plots *p, const char *dir)
{
    fprintf(p->stream, "set output\n");
    if (fflush(p->stream) != 0 || ferror(p->stream))
        return -1;
    if (p->count == 0)
        return 0;
    run_gnuplot(p, dir);
    for (size_t i = 0; i < p->count; i++) {
        p->pictures[i].svg = read_drawing(dir, p->pictures[i].name);
        if (!p->pictures[i].svg && !p->trouble[0])
            snprintf(p->trouble, sizeof(p->trouble), "gnuplot did not finish the picture %.200s", p->pictures[i].name);
    }
    return 0;
}

const struct picture *plots_find(const struct plots *p, const char *name)
{
    char *wanted = file_name(name);
    const struct picture *found = NULL;

    for (size_t i = 0; wanted && i < p->count && !found; i++)
        if (strcmp(p->pictures[i].name, wanted) == 0)
            found = &p->pictures[i];
    free(wanted);
    return found;
}

void plots_close(struct plots *p)
{
    if (p->stream)
        fclose(p->stream);
    free(p->script);
    for (size_t i = 0; i < p->count; i++) {
        free(p->pictures[i].name);
        free(p->pictures[i].svg);
    }
    free(p->pictures);
    *p = (struct plots){0};
}
