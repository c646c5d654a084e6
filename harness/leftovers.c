/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * leftovers.c - see leftovers.h. */
#include "harness/leftovers.h"

#include "harness/clock.h"
#include "reports/format.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAMED    4
#define PATIENCE 10 /* looks, DYING_NS apart */
#define DYING_NS (20 * INT64_C(1000000))

char *leftovers_mark(void)
{
    static char mark[80];
    if (!*mark)
        snprintf(mark, sizeof mark, "MUSTER_DRIVER=%d.%lld", (int)getpid(), (long long)clock_now());
    return mark;
}

/* What has ended and waits to be reaped has no environment any more. */
static bool is_marked(const char *pid)
{
    char path[64], *text = NULL;
    size_t size = 0;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%.16s/environ", pid);
    FILE *file = fopen(path, "re");
    while (file && !found && getdelim(&text, &size, '\0', file) > 0)
        found = strcmp(text, leftovers_mark()) == 0;
    free(text);
    if (file)
        fclose(file);
    return found;
}

static void name_one(FILE *out, const char *pid, bool first)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%.16s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
    fprintf(out, "%s%s (%s)", first ? "" : ", ", pid, format_clean(name));
}

/* How many there are; writes the first of them. */
static unsigned look(FILE *out)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (isdigit((unsigned char)entry->d_name[0]) && is_marked(entry->d_name) && count++ < NAMED)
            name_one(out, entry->d_name, count == 1);
    if (folder)
        closedir(folder);
    if (count > NAMED)
        fprintf(out, " and %u more", count - NAMED);
    return count;
}

char *leftovers_text(void)
{
    for (unsigned i = 0; i < PATIENCE; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        if (!out)
            return NULL;
        unsigned count = look(out);
        bool lost = fclose(out) != 0;
        if (count > 0 && i + 1 == PATIENCE && !lost)
            return text;
        free(text);
        if (count == 0)
            return NULL;
        nanosleep(&(struct timespec){.tv_nsec = DYING_NS}, NULL);
    }
    return NULL;
}
