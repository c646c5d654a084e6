/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stress_left.c - counting what is there, before and after. */
#include "harness/stress_left.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static unsigned count_entries(const char *path, uint64_t *names)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        uint64_t sum = 14695981039346656037u; /* FNV-1a */
        for (const char *c = entry->d_name; *c; c++)
            sum = (sum ^ (unsigned char)*c) * 1099511628211u;
        if (names)
            *names += sum;
    }
    closedir(folder);
    return count;
}

static unsigned count_shared_mappings(void)
{
    unsigned count = 0;
    char line[512], access[8];
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return 0;
    while (fgets(line, sizeof line, maps))
        count += sscanf(line, "%*s %7s", access) == 1 && strchr(access, 's') != NULL;
    fclose(maps);
    return count;
}

/* Calls `what` for each child's pid; returns how many there are. */
static unsigned each_child(void (*what)(int pid))
{
    unsigned count = 0;
    int pid;
    FILE *children = fopen("/proc/thread-self/children", "re");
    if (!children)
        return 0;
    for (; fscanf(children, "%d", &pid) == 1; count++)
        if (what)
            what(pid);
    fclose(children);
    return count;
}

void left_look(struct left *left)
{
    *left = (struct left){
        .descriptors = count_entries("/proc/self/fd", NULL),
        .shared_mappings = count_shared_mappings(),
        .children = each_child(NULL),
    };
}

bool left_differs(const struct left *before, const struct left *after)
{
    return before->descriptors != after->descriptors || before->shared_mappings != after->shared_mappings ||
           before->children != after->children;
}

const char *left_text(const struct left *before, const struct left *after)
{
    static char text[120];
    snprintf(text, sizeof text, "%d descriptors, %d shared mappings, %d children",
             (int)after->descriptors - (int)before->descriptors,
             (int)after->shared_mappings - (int)before->shared_mappings, (int)after->children - (int)before->children);
    return text;
}

void left_look_system(struct left_system *left)
{
    *left = (struct left_system){.files = 0};
    left->files = count_entries("/dev/shm", &left->names);
}

bool left_system_differs(const struct left_system *before, const struct left_system *after)
{
    return after->files > before->files;
}

static void kill_one(int pid)
{
    kill(pid, SIGKILL);
}

unsigned left_kill_children(void)
{
    unsigned count = each_child(kill_one);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return count;
}
