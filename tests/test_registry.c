/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_registry.c - the two lists are whole: nothing lacks what it must have, and what lies on disk is in them.
 *
 * A strategy is a file, a line of the registry and a line of Makefile.am. Files are read as text here, so that one that
 * was forgotten in either place fails. */
#include "bench/registry.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text of a file of the source tree; the caller's to free. */
static char *text_of(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    ssize_t length = getdelim(&text, &size, '\0', file);
    CU_ASSERT_FATAL(length > 0);
    fclose(file);
    return text;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '/' || c == '.';
}

static bool has_word(const char *text, const char *word)
{
    for (const char *at = text; (at = strstr(at, word)); at++)
        if ((at == text || !is_word(at[-1])) && !is_word(at[strlen(word)]))
            return true;
    return false;
}

static bool name_is_plain(const char *name)
{
    return name[0] && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static void no_fault(void)
{
    const char *fault = registry_fault();
    CU_ASSERT_PTR_NULL(fault);
    if (fault)
        fprintf(stderr, "%s\n", fault);
}

static void control_first(void)
{
    CU_ASSERT_EQUAL(strategies[0]->role, ROLE_CONTROL_ONLY);
    for (const struct strategy *const *s = strategies + 1; *s; s++)
        CU_ASSERT_NOT_EQUAL((*s)->role, ROLE_CONTROL_ONLY);
}

static void strategies_found(void)
{
    for (const struct strategy *const *s = strategies; *s; s++) {
        CU_ASSERT_PTR_EQUAL(strategy_find((*s)->name), *s);
        CU_ASSERT(name_is_plain((*s)->name));
        CU_ASSERT_PTR_NULL(workload_find((*s)->name));
        CU_ASSERT(variant_count(*s) > 0);
        for (unsigned v = 0; v < variant_count(*s); v++) {
            CU_ASSERT_EQUAL(variant_find(*s, (*s)->variants[v].name), (int)v);
            CU_ASSERT(name_is_plain((*s)->variants[v].name));
            CU_ASSERT_STRING_NOT_EQUAL((*s)->variants[v].name, "all");
            CU_ASSERT_PTR_NOT_NULL((*s)->variants[v].summary);
            CU_ASSERT_PTR_NOT_NULL((*s)->variants[v].visible);
        }
        CU_ASSERT_STRING_NOT_EQUAL((*s)->name, "all");
    }
    CU_ASSERT_PTR_NULL(strategy_find("no-such-strategy"));
    CU_ASSERT_PTR_NULL(strategy_find(""));
    CU_ASSERT_EQUAL(variant_find(strategies[0], "no-such-variant"), -1);
}

static void workloads_found(void)
{
    for (const struct workload *const *w = workloads; *w; w++) {
        CU_ASSERT_PTR_EQUAL(workload_find((*w)->name), *w);
        CU_ASSERT(name_is_plain((*w)->name));
        CU_ASSERT_STRING_NOT_EQUAL((*w)->name, "all");
        CU_ASSERT((*w)->payload_least <= (*w)->payload_most);
        CU_ASSERT((int)(*w)->need >= 0 && (*w)->need < NEEDS);
    }
    CU_ASSERT_PTR_NULL(workload_find("no-such-workload"));
}

/* The raw operation that bounds a cell is one that can be measured. */
static void limits_exist(void)
{
    for (const struct strategy *const *s = strategies; *s; s++)
        for (unsigned v = 0; v < variant_count(*s); v++)
            for (unsigned need = 0; need < NEEDS; need++) {
                const char *limit = (*s)->variants[v].limit[need];
                const struct workload *raw = limit ? workload_find(limit) : NULL;
                CU_ASSERT(!limit || (raw && raw->need == NEED_RAW));
                CU_ASSERT(!limit || !(*s)->variants[v].lacks[need]);
            }
}

/* Every workload is carried by somebody, and by the control unless it is raw. */
static void all_are_carried(void)
{
    for (const struct workload *const *w = workloads; *w; w++) {
        unsigned carried = 0;
        for (const struct strategy *const *s = strategies; *s; s++)
            carried += !variant_lacks(*s, 0, (*w)->need);
        CU_ASSERT(carried > 0);
        CU_ASSERT((*w)->need == NEED_RAW || !variant_lacks(strategies[0], 0, (*w)->need));
    }
}

static void reasons_are_given(void)
{
    char text[200];
    struct parameters p = {.workers = 2, .payload = 0};
    const struct workload *map = workload_find("map");
    CU_ASSERT_PTR_NOT_NULL_FATAL(map);
    const char *reason = combination_lacks(strategies[0], 0, map, &p, text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(reason);
    CU_ASSERT_PTR_NOT_NULL(strstr(reason, "1 worker"));
    p.workers = 1;
    reason = combination_lacks(strategies[0], 0, map, &p, text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(reason);
    CU_ASSERT_PTR_NOT_NULL(strstr(reason, "bytes"));
    p.payload = map->payload_most + 1;
    CU_ASSERT_PTR_NOT_NULL(combination_lacks(strategies[0], 0, map, &p, text, sizeof text));
    p.payload = map->payload_most;
    CU_ASSERT_PTR_NULL(combination_lacks(strategies[0], 0, map, &p, text, sizeof text));
}

/* --- files ------------------------------------------------------------------------------------------------------- */

/* One file that defines "const struct KIND KIND_name": each such name stands in the registry. Returns how many. */
static unsigned check_definitions(const char *path, const char *kind, const char *registry)
{
    char wanted[64], name[64], line[80];
    unsigned count = 0;
    char *text = text_of(path);
    snprintf(wanted, sizeof wanted, "\nconst struct %s %s_", kind, kind);
    for (const char *at = text; (at = strstr(at, wanted)); count++) {
        at += strlen(wanted);
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, " ="), at);
        snprintf(line, sizeof line, "LINE(%s)", name);
        CU_ASSERT_PTR_NOT_NULL(strstr(registry, line));
        if (!strstr(registry, line))
            fprintf(stderr, "%s: %s_%s has no line in the registry\n", path, kind, name);
    }
    free(text);
    return count;
}

static size_t count_of(const char *kind)
{
    size_t count = 0;
    if (strcmp(kind, "strategy") == 0)
        while (strategies[count])
            count++;
    else
        while (workloads[count])
            count++;
    return count;
}

static void check_folder(const char *folder, const char *kind)
{
    char *makefile = text_of(frame_source("Makefile.am")), *registry = text_of(frame_source("bench/registry.h"));
    DIR *dir = opendir(frame_source(folder));
    unsigned defined = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[400];
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || (strcmp(dot, ".c") != 0 && strcmp(dot, ".h") != 0))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        CU_ASSERT(has_word(makefile, path));
        if (!has_word(makefile, path))
            fprintf(stderr, "%s is not in Makefile.am\n", path);
        if (strcmp(dot, ".c") == 0)
            defined += check_definitions(frame_source(path), kind, registry);
    }
    closedir(dir);
    free(makefile);
    free(registry);
    CU_ASSERT(defined <= count_of(kind));
    CU_ASSERT(defined > 0);
}

static void strategy_files(void)
{
    check_folder("bench/strategies", "strategy");
}

static void workload_files(void)
{
    check_folder("bench/workloads", "workload");
}

/* What `muster list` prints names every entry; in which form is the command line's own tests' matter. */
static void list_agrees(void)
{
    char command[4200], *text = NULL;
    size_t size = 0;
    snprintf(command, sizeof command, "exec '%s' list", frame_built("muster"));
    FILE *pipe = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    ssize_t length = getdelim(&text, &size, '\0', pipe);
    CU_ASSERT_EQUAL(pclose(pipe), 0);
    CU_ASSERT_FATAL(length > 0);
    for (const struct strategy *const *s = strategies; *s; s++)
        CU_ASSERT_PTR_NOT_NULL(strstr(text, (*s)->name));
    for (const struct workload *const *w = workloads; *w; w++)
        CU_ASSERT_PTR_NOT_NULL(strstr(text, (*w)->name));
    free(text);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "registry: no entry is at fault", .run = no_fault},
        {.name = "registry: the control comes first and alone", .run = control_first},
        {.name = "registry: strategies and variants are found by name", .run = strategies_found},
        {.name = "registry: workloads are found by name", .run = workloads_found},
        {.name = "registry: the limits that are named exist", .run = limits_exist},
        {.name = "registry: every workload is carried", .run = all_are_carried},
        {.name = "registry: what cannot be combined has a reason", .run = reasons_are_given},
        {.name = "registry: every strategy on disk is listed and built", .run = strategy_files},
        {.name = "registry: every workload on disk is listed and built", .run = workload_files},
        {.name = "registry: muster list agrees", .run = list_agrees},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
