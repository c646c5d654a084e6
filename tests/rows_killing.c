/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_killing.c - processes that cannot be made or born, deaths with a large result on its way, and what is left after
 * a thousand pools and after the death of their owner. */
#include "tests/rows.h"

#include "bench/ipc/memory.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORD sizeof(uint64_t)

/* --- *26: the k-th fork fails ------------------------------------------------------------------------------------ */

#define REFUSE(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), BPF_STMT(BPF_RET | BPF_K, REFUSAL)
#define REFUSAL        (SECCOMP_RET_ERRNO | EAGAIN)

/* From now on this process can make no others, as where a limit is reached. */
static int forbid_forks(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        REFUSE(__NR_clone),
        REFUSE(__NR_clone3),
#ifdef __NR_fork
        REFUSE(__NR_fork),
        REFUSE(__NR_vfork),
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static int forbid_before_slot(void *arg, uint32_t slot)
{
    if (slot == (uint32_t)(uintptr_t)arg)
        forbid_forks();
    return 0;
}

static size_t next_none(void *arg, uint32_t slot, size_t done, bool more)
{
    (void)arg, (void)slot, (void)done, (void)more;
    return 0;
}

/* It happens in a process of its own, since the filter stays for good. Its exit code says what was wrong. */
static int fork_fails(const struct situation *c, uint32_t slot)
{
    struct error error = {.code = ERROR_NONE};
    struct pool *pool = NULL;
    unsigned descriptors = row_descriptors();
    struct setup setup = {.workers = 4, .variant = c->variant, .items = 50, .in_size = WORD, .out_size = WORD};
    setup.hooks = (struct hooks){.arg = (void *)(uintptr_t)slot, .before_fork = forbid_before_slot, .next = next_none};
    if (pool_open(&pool, c->strategy, &setup, &error))
        return 2;
    int result = pool_start(pool, &error);
    for (unsigned i = 0; result == 0 && i < 20; i++)
        result = pool_map(pool, squares, 0, 50, 1, &error);
    if (result != -1)
        return 3;
    bool told = error.code == ERROR_SYSTEM && error.sys_errno == EAGAIN;
    pool_free(pool, 1000 * MS, NULL);
    if (row_children() > 0)
        return 4;
    if (row_descriptors() != descriptors)
        return 5;
    if (!told)
        fprintf(stderr, "code %d: '%s'\n", (int)error.code, error.text);
    return told ? 0 : 6;
}

static void failing_fork(const struct situation *c)
{
    for (uint32_t slot = 0; slot < 4; slot += 3) {
        int status = -1;
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            _exit(fork_fails(c, slot));
        EXPECT(c, pid > 0 && waitpid(pid, &status, 0) == pid);
        if (!EXPECT(c, status == 0))
            fprintf(stderr, "slot %u: wait status %#x\n", slot, (unsigned)status);
    }
}

/* --- CX14: an initialiser that always fails ---------------------------------------------------------------------- */

struct births {
    _Atomic uint32_t tried;
};

static int never_born(void *arg, uint32_t slot, struct error *error)
{
    struct births *births = arg;
    if (slot == SLOT_SERVICE)
        return 0;
    atomic_fetch_add(&births->tried, 1);
    return error_set(error, ERROR_FAILED, "the library is not there");
}

static void failing_initialiser(const struct situation *c)
{
    struct births *births = memory_shared(sizeof *births);
    CU_ASSERT_PTR_NOT_NULL_FATAL(births);
    for (unsigned deaths = 0; deaths <= 5; deaths += 5) {
        struct error error = {.code = ERROR_NONE};
        struct setup setup = {.workers = 3, .items = 50, .in_size = WORD, .out_size = WORD, .deaths = deaths};
        setup.hooks = (struct hooks){.arg = births, .born = never_born, .next = next_none};
        atomic_store(&births->tried, 0);
        struct pool *pool = row_open(c, &setup, 0);
        if (!pool)
            break;
        int64_t started = row_now();
        int result = pool_start(pool, &error);
        if (result == 0)
            result = pool_map(pool, squares, 0, 50, 1, &error);
        EXPECT(c, result == -1);
        if (!EXPECT(c, strstr(error.text, "the library is not there") != NULL))
            fprintf(stderr, "code %d: '%s'\n", (int)error.code, error.text);
        EXPECT_WITHIN(c, row_now() - started, 1000 * MS);
        EXPECT(c, atomic_load(&births->tried) <= 3 + 3 + deaths);
        pool_free(pool, 1000 * MS, NULL);
    }
    memory_free(births, sizeof *births);
}

/* --- CX5: killed with a large result on its way ------------------------------------------------------------------ */

#define BIG ((size_t)1 << 20)

static int big_results(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                       size_t n)
{
    (void)w, (void)ctx, (void)in;
    for (size_t i = 0; i < n; i++) {
        item_begin(w, first + i);
        memset((char *)out + i * BIG, (int)(first + i + argument) & 127, BIG);
    }
    return 0;
}

static bool is_filled(const char *bytes, char with)
{
    for (size_t at = 0; at < BIG; at += 64)
        if (bytes[at] != with)
            return false;
    return bytes[BIG - 1] == with;
}

static void killed_in_a_result(const struct situation *c)
{
    const int64_t end = row_now() + (conformance_quick() ? 400 : 800) * MS, last = end + ROW_PATIENCE_NS;
    struct setup setup = {.items = 8, .in_size = 1, .out_size = BIG, .deaths = 1000000};
    struct pool *pool = row_start(c, &setup);
    pid_t killer = pool ? row_killer(pool_service(pool), 5 * MS) : 0;
    unsigned lost = 0;
    for (uint64_t round = 0; pool && row_now() < (lost ? end : last); round++) {
        struct error error = {.code = ERROR_NONE};
        unsigned wrong = 0;
        if (pool_map(pool, big_results, round, 8, 1, &error) && !EXPECT(c, error.code == ERROR_DIED)) {
            fprintf(stderr, "%s\n", error.text);
            break;
        }
        for (uint64_t i = 0; i < 8; i++)
            if (pool_outcome(pool, i) == OUTCOME_DONE)
                wrong += !is_filled((char *)pool_out(pool) + i * BIG, (char)((i + round) & 127));
            else
                lost++;
        EXPECT(c, wrong == 0);
    }
    row_killer_end(killer);
    EXPECT(c, lost > 0);
    row_free_killed(c, pool);
}

/* --- CX25, *40: nothing stays ------------------------------------------------------------------------------------ */

static void thousand_pools(const struct situation *c)
{
    const unsigned pools = conformance_quick() ? 100 : 1000, warm = 20;
    struct setup setup = {.items = 16, .in_size = WORD, .out_size = WORD};
    size_t kib = 0;
    unsigned descriptors = 0;
    for (unsigned i = 0; i < pools; i++) {
        if (i == warm) {
            kib = row_resident_kib(getpid());
            descriptors = row_descriptors();
        }
        struct pool *pool = row_start(c, &setup);
        if (!pool)
            return;
        expect_squares(c, pool, 16, 4);
        row_free(c, pool);
    }
    EXPECT(c, row_descriptors() == descriptors);
    EXPECT(c, row_children() == 0 && kib > 0);
    EXPECT(c, row_resident_kib(getpid()) <= kib + ROW_KEPT_KIB);
}

/* The processes end with their owner, and what they shared has no name that could stay. */
static void owner_killed(const struct situation *c)
{
    struct situation three = *c;
    three.workers = 3;
    unsigned before = row_entries("/dev/shm"), temporary = row_entries(getenv("TMPDIR"));
    parent_death_ends_all(&three);
    EXPECT(c, row_entries("/dev/shm") <= before && row_entries(getenv("TMPDIR")) == temporary);
}

const struct row rows_killing[] = {
    {.name = "*26 the k-th fork fails", .run = failing_fork, .uses = USES(NEED_MAP) | USES_CREW, .variants = true},
    {.name = "*40 the owner killed, and nothing stays", .run = owner_killed, .uses = USES_CREW, .variants = true},
    {.name = "CX5 killed with a large result on its way",
     .run = killed_in_a_result,
     .uses = USES(NEED_MAP) | USES_CREW},
    {.name = "CX14 an initialiser that always fails", .run = failing_initialiser, .uses = USES(NEED_MAP) | USES_CREW},
    {.name = "CX25 a thousand pools", .run = thousand_pools, .uses = USES(NEED_MAP), .limit_s = 60},
    {.name = NULL},
};
