/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * frame_gate.c - reads the inventories from /proc and /dev/shm, and ends the processes that a test forgot.
 *
 * Private anonymous memory is left out, since it cannot be told from the allocator's; shared mappings can, and memfd,
 * /dev/shm and MAP_SHARED|MAP_ANONYMOUS all are. A unix socket lives exactly as long as a descriptor does, so that
 * descriptors and descendants cover it; /proc/net/unix only gives it its name, and its file shows in the temporary
 * folder. */
#include "tests/frame_gate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GATE_LINE = 1024, GATE_STEP_MS = 5, GATE_GRACE_MS = 1000, GATE_NAMES_MAX = 20 };

static int gate_add(struct gate *gate, const char *line)
{
    char **grown = realloc(gate->lines, (gate->count + 1) * sizeof(*grown));

    if (grown == NULL)
        return -1;
    gate->lines = grown;
    grown[gate->count] = strdup(line);
    return grown[gate->count++] == NULL ? -1 : 0;
}

void gate_leave(struct gate *gate)
{
    for (size_t i = 0; i < gate->count; i++)
        free(gate->lines[i]);
    free(gate->lines);
    *gate = (struct gate){0};
}

static int gate_holds(const struct gate *gate, const char *line)
{
    for (size_t i = 0; i < gate->count; i++)
        if (strcmp(gate->lines[i], line) == 0)
            return 1;
    return 0;
}

static int gate_difference(const struct gate *before, const struct gate *after, FILE *to)
{
    int leaks = 0;

    for (size_t i = 0; i < after->count; i++) {
        if (gate_holds(before, after->lines[i]))
            continue;
        if (leaks++ < GATE_NAMES_MAX)
            fprintf(to, "left behind: %s\n", after->lines[i]);
    }
    if (leaks > GATE_NAMES_MAX)
        fprintf(to, "left behind: %d more\n", leaks - GATE_NAMES_MAX);
    return leaks;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Adds one line per entry of a folder, made by `describe`; a folder that cannot be read has no entries. */
static int folder_list(struct gate *gate, const char *path, void (*describe)(int folder, const char *name, char *line))
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int done = 0;

    if (dir == NULL)
        return errno == ENOENT || errno == EACCES ? 0 : -1;
    while (done == 0 && (entry = readdir(dir)) != NULL) {
        char line[GATE_LINE] = "";

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        describe(dirfd(dir), entry->d_name, line);
        if (line[0] != '\0')
            done = gate_add(gate, line);
    }
    closedir(dir);
    return done;
}

/* "socket:[INODE]" gains the name that it is bound to, where it has one. */
static void socket_name(const char *link, char *name, size_t size)
{
    FILE *sockets = strncmp(link, "socket:[", 8) == 0 ? fopen("/proc/net/unix", "re") : NULL;
    unsigned long inode, wanted;
    char line[GATE_LINE], path[GATE_LINE / 4];

    name[0] = '\0';
    if (sockets == NULL)
        return;
    wanted = strtoul(link + 8, NULL, 10);
    while (fgets(line, sizeof(line), sockets) != NULL)
        if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu %200s", &inode, path) == 2 && inode == wanted)
            snprintf(name, size, " bound to %s", path);
    fclose(sockets);
}

static void describe_descriptor(int folder, const char *name, char *line)
{
    char link[GATE_LINE / 4], bound[GATE_LINE / 2];
    ssize_t size = readlinkat(folder, name, link, sizeof(link) - 1);

    if (atoi(name) == folder)
        return;
    link[size < 0 ? 0 : size] = '\0';
    socket_name(link, bound, sizeof(bound));
    snprintf(line, GATE_LINE, "descriptor %s: %s%s", name, link, bound);
}

static void describe_thread(int folder, const char *name, char *line)
{
    (void)folder;
    snprintf(line, GATE_LINE, "thread %s", name);
}

static void describe_shm(int folder, const char *name, char *line)
{
    struct stat status;

    /* other users' objects cannot be ours */
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_uid == geteuid())
        snprintf(line, GATE_LINE, "/dev/shm/%s", name);
}

static void describe_file(int folder, const char *name, char *line)
{
    (void)folder;
    snprintf(line, GATE_LINE, "%s in the temporary folder", name);
}

static int maps_list(struct gate *gate)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[GATE_LINE / 2], range[64], mode[8], name[GATE_LINE / 2], named[GATE_LINE];
    int done = 0;

    if (maps == NULL)
        return -1;
    while (done == 0 && fgets(line, sizeof(line), maps) != NULL) {
        name[0] = '\0';
        if (sscanf(line, "%63s %7s %*s %*s %*s %500[^\n]", range, mode, name) < 2 || mode[3] != 's')
            continue;
        snprintf(named, sizeof(named), "shared memory %s %s", range, name);
        done = gate_add(gate, named);
    }
    fclose(maps);
    return done;
}

/* Where two shared mappings of one object lie side by side the kernel may list them as one: a changed range of the same
 * name is still a change. */
int gate_enter_process(struct gate *gate)
{
    if (maps_list(gate) == -1 || folder_list(gate, "/proc/self/fd", describe_descriptor) == -1 ||
        folder_list(gate, "/proc/self/task", describe_thread) == -1) {
        gate_leave(gate);
        return -1;
    }
    return 0;
}

static int children_count(FILE *to)
{
    int found = 0;

    for (;;) {
        siginfo_t info = {0};

        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == -1)
            return found;
        found++;
        if (info.si_pid == 0) {
            fprintf(to, "left behind: a child that still runs\n");
            return found;
        }
        fprintf(to, "left behind: child %d, ended but not reaped\n", (int)info.si_pid);
    }
}

int gate_compare_process(const struct gate *gate, FILE *to)
{
    struct gate after = {0};
    int leaks;

    if (gate_enter_process(&after) == -1) {
        fprintf(to, "the gate could not look: %s\n", strerror(errno));
        return 1;
    }
    leaks = gate_difference(gate, &after, to) + children_count(to);
    gate_leave(&after);
    return leaks;
}

int gate_enter_system(struct gate *gate)
{
    return folder_list(gate, "/dev/shm", describe_shm);
}

/* /dev/shm belongs to everyone: what another program keeps there only for a moment is not held against the test. */
int gate_compare_system(const struct gate *gate, const char *folder, FILE *to)
{
    struct gate nothing = {0}, left = {0}, after = {0};
    int leaks = 0;

    for (int waited_ms = 0; waited_ms <= GATE_GRACE_MS; waited_ms += GATE_STEP_MS) {
        size_t fresh = 0;

        gate_leave(&after);
        if (gate_enter_system(&after) == -1)
            break;
        for (size_t i = 0; i < after.count; i++)
            fresh += !gate_holds(gate, after.lines[i]);
        if (fresh == 0)
            break;
        pause_ms(GATE_STEP_MS);
    }
    leaks += gate_difference(gate, &after, to);
    if (folder_list(&left, folder, describe_file) == 0)
        leaks += gate_difference(&nothing, &left, to);
    gate_leave(&after);
    gate_leave(&left);
    return leaks;
}

static int stat_read(const char *pid, pid_t *parent, char *name, size_t size)
{
    char path[300], text[GATE_LINE];
    FILE *file;
    char *end = NULL;
    int ppid = 0;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    file = fopen(path, "re");
    if (file == NULL)
        return -1;
    if (fgets(text, sizeof(text), file) != NULL && (end = strrchr(text, ')')) != NULL)
        sscanf(end + 1, " %*c %d", &ppid);
    fclose(file);
    if (end == NULL)
        return -1;
    *end = '\0';
    snprintf(name, size, "%s", strchr(text, '(') == NULL ? "" : strchr(text, '(') + 1);
    *parent = ppid;
    return 0;
}

/* Kills this process's children, and names them; their own children come to this process next. */
static int children_kill(FILE *to)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    int killed = 0;

    if (proc == NULL)
        return 0;
    while ((entry = readdir(proc)) != NULL) {
        char name[64];
        pid_t parent = 0;

        if (atoi(entry->d_name) <= 0 || stat_read(entry->d_name, &parent, name, sizeof(name)) == -1)
            continue;
        if (parent != getpid() || kill(atoi(entry->d_name), SIGKILL) == -1)
            continue;
        if (to != NULL && killed < GATE_NAMES_MAX)
            fprintf(to, "left behind: process %s (%s)\n", entry->d_name, name);
        killed++;
    }
    closedir(proc);
    return killed;
}

int gate_reap_descendants(int at_once, FILE *to)
{
    int waited_ms = at_once ? GATE_GRACE_MS : 0, killed = 0;

    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);

        if (pid == -1 && errno == ECHILD)
            return at_once ? 0 : killed;
        if (pid != 0)
            continue;
        if (waited_ms >= GATE_GRACE_MS)
            killed += children_kill(at_once ? NULL : to);
        pause_ms(GATE_STEP_MS);
        waited_ms += GATE_STEP_MS;
    }
}

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)walk;
    if (type == FTW_DP)
        rmdir(path);
    else
        unlink(path);
    return 0;
}

static int entry_open_up(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)walk;
    if (type == FTW_D || type == FTW_DNR)
        chmod(path, 0700);
    return 0;
}

/* Twice: a test may have made a folder of its own unwritable. */
void gate_remove_folder(const char *path)
{
    nftw(path, entry_open_up, 16, FTW_PHYS);
    nftw(path, entry_remove, 16, FTW_PHYS | FTW_DEPTH);
}
