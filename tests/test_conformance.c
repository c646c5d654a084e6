/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_conformance.c - every strategy, variant and workload of the registry against the control.
 *
 * The tests are made from the registry, one per combination, so a new line there is covered by itself. Each runs the
 * primitives through every pair of item count, chunk, payload and worker count, and the workload's own proof; then
 * there are stealing, a full list, 1,024 workers, and what happens when something dies.
 *
 * MUSTER_QUICK=1 takes the first cases of each combination only, the default variant for 1,024 workers, and no case
 * above 8 MiB: for a sanitizer's build, or while working on a strategy. */
#include "tests/conformance.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MANY_WORKERS  1024
#define MANY_LIMIT_S  60
#define PAIRS_LIMIT_S 90

struct part {
    char name[112];
    void (*run)(const struct part *);
    const struct strategy *strategy;
    unsigned variant;
    const struct workload *workload;
    case_fn *trouble;
    unsigned limit_s;
};

static struct part *parts;
static size_t part_count;

/* CUnit hands a test no argument, but knows its name. */
static void run_part(void)
{
    const char *name = CU_get_current_test()->pName;
    for (size_t i = 0; i < part_count; i++)
        if (strcmp(parts[i].name, name) == 0) {
            parts[i].run(&parts[i]);
            return;
        }
    CU_FAIL("this test is in no list");
}

static struct situation situation(const struct part *part, unsigned workers, size_t n, size_t chunk, size_t payload)
{
    unsigned most = part->strategy->workers_most;
    return (struct situation){.strategy = part->strategy,
                              .variant = part->variant,
                              .workers = most && workers > most ? most : workers,
                              .n = n,
                              .chunk = chunk,
                              .payload = payload};
}

/* --- a combination ----------------------------------------------------------------------------------------------- */

static void run_primitives(const struct part *part)
{
    static const struct sizes map = {.need = NEED_MAP, .payloads = {1, 8, 4096, 1 << 20}};
    static const struct sizes counter = {.need = NEED_COUNTER};
    static const struct sizes list = {.need = NEED_LIST, .payloads = {8, 24, 4096, 65536}};
    static const struct sizes reading = {.need = NEED_LIST, .payloads = {8, 24, 4096, 65536}, .reads = true};
    struct situation base = situation(part, 1, 0, 1, 8);
    switch (part->workload->need) {
    case NEED_MAP:
        return cases_run(&base, &map, map_conforms);
    case NEED_COUNTER:
        return cases_run(&base, &counter, counter_conforms);
    case NEED_LIST:
        return part->workload->fill ? cases_run(&base, &reading, snapshot_conforms)
                                    : cases_run(&base, &list, list_conforms);
    default: /* its workload, in windows with their proofs, is all */
        return;
    }
}

/* Sizes that are no multiple of a word, and payloads on both sides of what a channel copies. */
static void run_odd_sizes(const struct part *part)
{
    static const size_t odd[] = {3, 13, 8191, 8193, 10001};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct situation c = situation(part, 2, 31, 1 + i % 3, odd[i]);
        if (part->workload->need == NEED_MAP)
            map_conforms(&c);
        else if (part->workload->need == NEED_LIST && odd[i] >= part->workload->payload_least)
            part->workload->fill ? snapshot_conforms(&c) : list_conforms(&c);
    }
}

static void run_combination(const struct part *part)
{
    static const unsigned workers[] = {1, 2, 4};
    static const size_t chunks[] = {1, 0, 7};
    const struct workload *w = part->workload;
    run_primitives(part);
    run_odd_sizes(part);
    for (size_t i = 0; i < 3; i++) {
        struct situation c = situation(part, workers[i], 50, chunks[i], w->payload_least + 40 * i);
        workload_conforms(&c, w);
    }
    CU_PASS("done");
}

/* --- what a variant lacks ---------------------------------------------------------------------------------------- */

static const char *lacks(const struct strategy *s, unsigned variant, const struct workload *w, char *text, size_t size)
{
    struct parameters p = {.workers = w->multiple ? w->multiple : 1, .payload = w->payload_least};
    return combination_lacks(s, variant, w, &p, text, size);
}

static struct object *object_of(struct pool *pool, enum need need, struct error *error)
{
    switch (need) {
    case NEED_COUNTER:
        return counter_new(pool, error);
    case NEED_LIST:
        return list_new(pool, 8, 8, error);
    case NEED_ARRAY:
        return array_new(pool, TYPE_I64, 0, 8, NULL, error);
    case NEED_DICT:
        return dict_new(pool, 8, 8, 8, error);
    default:
        return lock_new(pool, error);
    }
}

/* What a variant says that it lacks cannot be made either. */
static void check_refused(const struct part *part, enum need need, const char *lacked)
{
    struct error error = {.code = ERROR_NONE};
    struct setup setup = {.workers = 1, .variant = part->variant};
    struct pool *pool = NULL;
    CU_ASSERT_EQUAL_FATAL(pool_open(&pool, part->strategy, &setup, &error), 0);
    CU_ASSERT_PTR_NULL(object_of(pool, need, &error));
    CU_ASSERT_EQUAL(error.code, ERROR_USE);
    CU_ASSERT_STRING_EQUAL(error.text, lacked);
    CU_ASSERT_EQUAL(pool_free(pool, GRACE_NS, &error), 0);
}

static void run_reasons(const struct part *part)
{
    char text[200];
    for (const struct workload *const *w = workloads; *w; w++) {
        const char *reason = lacks(part->strategy, part->variant, *w, text, sizeof text);
        const char *lacked = variant_lacks(part->strategy, part->variant, (*w)->need);
        CU_ASSERT_EQUAL(reason == NULL, lacked == NULL);
        CU_ASSERT(reason == NULL || strlen(reason) > 10);
        bool made = (*w)->need == NEED_COUNTER || (*w)->need == NEED_LIST || (*w)->need == NEED_ARRAY ||
                    (*w)->need == NEED_DICT || (*w)->need == NEED_LOCK;
        if (made && part->strategy->variants[part->variant].lacks[(*w)->need])
            check_refused(part, (*w)->need, lacked);
    }
    CU_PASS("done");
}

/* --- particular situations --------------------------------------------------------------------------------------- */

static void run_steal(const struct part *part)
{
    struct situation c = situation(part, 2, 100, 1, 1);
    steal_conforms(&c);
}

static void run_full(const struct part *part)
{
    static const size_t chunks[] = {1, 7, 1000};
    static const size_t sizes[] = {8, 24, 9000};
    for (size_t i = 0; i < 9; i++) {
        struct situation c = situation(part, 3, 150, chunks[i % 3], sizes[i / 3]);
        list_full_conforms(&c);
    }
}

static void run_mixed(const struct part *part)
{
    static const size_t counts[] = {3000, 800, 700}, sizes[] = {8, 65536, 10001};
    for (size_t i = 0; i < 3; i++) {
        struct situation c = situation(part, 1, conformance_quick() ? counts[i] / 4 : counts[i], 1, sizes[i]);
        list_mixed_conforms(&c);
    }
}

static void run_trouble(const struct part *part)
{
    static const size_t payloads[] = {8, 65536};
    for (size_t i = 0; i < 2; i++) {
        struct situation c = situation(part, 3, 0, 1 + i, payloads[i]);
        part->trouble(&c);
    }
}

/* --- 1,024 workers ----------------------------------------------------------------------------------------------- */

static uint64_t pids_max(void)
{
    char path[300] = "/sys/fs/cgroup", line[256];
    FILE *own = fopen("/proc/self/cgroup", "re");
    unsigned long long most = UINT64_MAX;
    if (own) {
        while (fgets(line, sizeof line, own))
            if (strncmp(line, "0::", 3) == 0)
                snprintf(path, sizeof path, "/sys/fs/cgroup%.*s", (int)strcspn(line + 3, "\n"), line + 3);
        fclose(own);
    }
    strncat(path, "/pids.max", sizeof path - strlen(path) - 1);
    FILE *file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%llu", &most) != 1)
            most = UINT64_MAX;
        fclose(file);
    }
    return most;
}

/* NULL, or why 1,024 workers cannot be had here. */
static const char *room_for_many(void)
{
    const uint64_t processes = 2 * MANY_WORKERS + 100, descriptors = 3 * MANY_WORKERS + 100;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_max < descriptors)
            return "the hard limit of descriptors is too low for 1,024 workers (ulimit -Hn)";
    }
    if (getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur < processes && geteuid() != 0)
        return "the limit of processes is too low for 1,024 workers (ulimit -u)";
    return pids_max() < processes ? "the control group allows too few processes (pids.max)" : NULL;
}

static void run_many(const struct part *part)
{
    const char *refused = room_for_many();
    if (refused) {
        frame_skip(refused);
        return;
    }
    struct situation c = situation(part, MANY_WORKERS, 3 * MANY_WORKERS, 2, 8);
    part->trouble(&c);
}

/* --- the list of tests ------------------------------------------------------------------------------------------- */

static const struct trouble {
    const char *name;
    case_fn *run;
    bool maps, control; /* it maps; the control can do it too */
} troubles[] = {
    {"an item that fails is told", item_failure_told, true, true},
    {"a step that fails is told", step_failure_told, false, true},
    {"a worker killed in a map is told", death_in_map_told, true, false},
    {"a worker killed in a loop is told", death_in_each_told, false, false},
    {"a worker killed between two calls is told", death_between_calls_told, true, false},
    {"the server killed is told", service_death_told, true, false},
    {"a process that cannot be born is told", birth_failure_told, true, false},
    {"all end with their parent", parent_death_ends_all, false, false},
};

static struct part *add(const struct strategy *s, unsigned variant, void (*run)(const struct part *), unsigned limit_s,
                        const char *what)
{
    parts = realloc(parts, (part_count + 1) * sizeof *parts);
    if (!parts)
        abort();
    struct part *part = &parts[part_count++];
    *part = (struct part){.strategy = s, .variant = variant, .run = run, .limit_s = limit_s};
    snprintf(part->name, sizeof part->name, "conformance: %s, %s:%s", what, s->name, s->variants[variant].name);
    return part;
}

static void add_many(const struct strategy *s, unsigned variant)
{
    static case_fn *const runs[] = {
        [NEED_MAP] = map_conforms, [NEED_COUNTER] = counter_conforms, [NEED_LIST] = list_conforms};
    static const char *const names[] = {[NEED_MAP] = "map", [NEED_COUNTER] = "counter", [NEED_LIST] = "list"};
    char what[64];
    if (s->workers_most || (conformance_quick() && variant > 0))
        return;
    for (unsigned need = NEED_MAP; need <= NEED_LIST; need++) {
        if (s->variants[variant].lacks[need])
            continue;
        snprintf(what, sizeof what, "%d workers on %s", MANY_WORKERS, names[need]);
        add(s, variant, run_many, MANY_LIMIT_S, what)->trouble = runs[need];
    }
}

/* A variant that changes only the counter fails and dies as the default one does. */
static void add_troubles(const struct strategy *s, unsigned variant)
{
    const struct variant *v = &s->variants[variant];
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        bool maps = !v->lacks[NEED_MAP], control = s->role == ROLE_CONTROL_ONLY;
        if ((maps || (variant == 0 && !troubles[i].maps)) && (!control || troubles[i].control))
            add(s, variant, run_trouble, 0, troubles[i].name)->trouble = troubles[i].run;
    }
}

static void add_variant(const struct strategy *s, unsigned variant)
{
    const struct variant *v = &s->variants[variant];
    char text[200];
    for (const struct workload *const *w = workloads; *w; w++)
        if (!(*w)->errand && !lacks(s, variant, *w, text, sizeof text))
            add(s, variant, run_combination, PAIRS_LIMIT_S, (*w)->name)->workload = *w;
    add(s, variant, run_reasons, 0, "reasons for what is lacking");
    if (!v->lacks[NEED_LIST]) {
        add(s, variant, run_full, 0, "a full list refuses");
        add(s, variant, run_mixed, 0, "appends of mixed sizes fill a list");
    }
    if (!v->lacks[NEED_MAP] && s->workers_most != 1)
        add(s, variant, run_steal, 0, "one slow item and the other worker does the rest");
    add_troubles(s, variant);
    add_many(s, variant);
}

int main(int argc, char **argv)
{
    for (const struct strategy *const *s = strategies; *s; s++)
        for (unsigned variant = 0; variant < variant_count(*s); variant++)
            add_variant(*s, variant);
    struct test *tests = calloc(part_count + 1, sizeof *tests);
    if (!tests)
        return 1;
    for (size_t i = 0; i < part_count; i++)
        tests[i] = (struct test){.name = parts[i].name, .run = run_part, .limit_s = parts[i].limit_s};
    int code = frame_main(argc, argv, tests);
    free(tests);
    free(parts);
    return code;
}
