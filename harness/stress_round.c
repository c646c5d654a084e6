/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stress_round.c - one round: its process tree, the timers that kill, and what it must not leave behind. */
#include "bench/ipc/memory.h"
#include "harness/clock.h"
#include "harness/stress.h"
#include "harness/stress_left.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUND_NS    (20 * NS_PER_S) /* longer is a hang */
#define EXERCISE_NS NS_PER_S        /* of work: what is dear is then not done to its end */
#define GONE_NS     NS_PER_S        /* within which all are gone, whoever was killed */
#define STAYS_NS    (3 * NS_PER_S)  /* what is there so long after is left behind */
#define SHORTEST_NS INT64_C(20000)  /* from arming to death */
#define DOUBLINGS   11              /* up to 40 ms */
#define SPARED      4               /* one process in so many is not killed */

/* The generator's finalizer is that of splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
uint64_t stress_mix(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x = a * 0x9e3779b97f4a7c15u + b * 0xbf58476d1ce4e5b9u + c * 0x94d049bb133111ebu + 0x2545f4914f6cdd1du;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* --- fire -------------------------------------------------------------------------------------------------------- */

/* As likely in each doubling of time, since strategies' processes live from microseconds to the end. */
static int64_t moment(uint64_t random)
{
    int64_t from = SHORTEST_NS << (random % DOUBLINGS);
    return from + (int64_t)((random >> 8) % (uint64_t)from);
}

/* The timer is the process's own and ends with it, so no other can be hit. */
static int arm(struct stage *stage, uint64_t who)
{
    uint64_t random = stress_mix(stage->round.seed, who, atomic_fetch_add(&stage->armed, 1));
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    timer_t timer;
    if (random % SPARED == 0)
        return 0;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer))
        return -1;
    int64_t ns = moment(random >> 2);
    struct itimerspec at = {.it_value = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S}};
    return timer_settime(timer, 0, &at, NULL);
}

/* This process's own; a child that is born under fire arms anew. */
static bool exposed;

static int born(void *arg, uint32_t slot, struct error *error)
{
    struct stage *stage = arg;
    exposed = false;
    if (slot == SLOT_SERVICE)
        return stage->round.kills_service && arm(stage, slot) ? error_system(error, "cannot set a timer") : 0;
    if (!atomic_load(&stage->under_fire))
        return 0;
    exposed = true;
    return arm(stage, slot) ? error_system(error, "cannot set a timer") : 0;
}

void stress_expose(struct worker *w)
{
    struct stage *stage = pool_context(w->pool);
    if (exposed || !atomic_load(&stage->under_fire) || w->pool->owner == getpid())
        return;
    exposed = true;
    if (arm(stage, w->slot))
        stress_broken(stage, "a timer cannot be set: %s", strerror(errno));
}

/* One grain at a time, so that what is told of is known exactly. */
static size_t next(void *arg, uint32_t slot, size_t done, bool more)
{
    struct stage *stage = arg;
    struct actor *actor = &stage->actors[slot];
    atomic_store(&actor->told, actor->before + done);
    uint64_t quota = 8 + stress_mix(stage->round.seed, slot, actor->before) % 56;
    bool room = atomic_load(&actor->attempted) + stage->round.chunk <= STRESS_OPERATIONS;
    return more && room && done < quota ? 1 : 0;
}

struct hooks stress_hooks(struct stage *stage)
{
    return (struct hooks){.arg = stage, .born = born, .next = next};
}

/* --- findings ---------------------------------------------------------------------------------------------------- */

int stress_broken(struct stage *stage, const char *format, ...)
{
    uint32_t whole = 0;
    if (!atomic_compare_exchange_strong(&stage->broken, &whole, 1))
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(stage->broken_text, sizeof stage->broken_text, format, args);
    va_end(args);
    return -1;
}

int stress_found(struct stage *stage, const char *format, ...)
{
    va_list args;
    if (!stage->finding.holds)
        return 0;
    va_start(args, format);
    vsnprintf(stage->finding.text, sizeof stage->finding.text, format, args);
    va_end(args);
    stage->finding.holds = false;
    return 0;
}

bool stress_holds_at_once(const struct pool *pool)
{
    return strcmp(pool->variant->visible, "at join") != 0;
}

/* --- the round's parent ------------------------------------------------------------------------------------------ */

static int work(struct stage *stage, struct pool *pool, struct error *error)
{
    const struct exercise *exercise = stage->round.exercise;
    if (exercise->objects && exercise->objects(pool, error))
        return -1;
    if (pool_start(pool, error))
        return -1;
    if (pool_service(pool) == getpid())
        stage->round.kills_service = false; /* none serves but this process */
    stage->until = clock_now() + EXERCISE_NS;
    atomic_store(&stage->under_fire, 1);
    struct posted *posted = NULL;
    int result = stage->round.posts_first ? stress_post(pool, stage, &posted, error) : 0;
    if (!result)
        result = exercise->run(pool, stage, error);
    stress_collect(stage, posted);
    atomic_store(&stage->under_fire, 0);
    return result;
}

/* Only the death of its service may break a pool. */
static void judge(struct stage *stage, int result, const struct error *error)
{
    if (result && !stage->round.kills_service)
        stress_found(stage, "the pool broke: %s", error->text);
    if (result)
        stage->finding.account.cancelled++;
    if (atomic_load(&stage->broken))
        stress_found(stage, "%s", stage->broken_text);
}

static void subject(struct stage *stage)
{
    const struct round *round = &stage->round;
    struct setup setup = {.workers = round->workers,
                          .variant = round->variant,
                          .deaths = UINT32_MAX,
                          .recycle = round->recycle,
                          .ctx = stage,
                          .hooks = stress_hooks(stage)};
    struct error error = {.code = ERROR_NONE};
    struct pool *pool;
    struct left before, after;
    stage->finding.holds = true;
    round->exercise->setup(round, &setup);
    left_look(&before);
    if (round->kills_parent && arm(stage, SLOT_PARENT))
        _exit(1);
    if (pool_open(&pool, round->strategy, &setup, &error)) {
        stress_found(stage, "the pool does not open: %s", error.text);
    } else {
        int result = work(stage, pool, &error);
        judge(stage, result, &error);
        stage->finding.account.kills += pool_replaced(pool);
        pool_free(pool, GONE_NS, NULL);
        left_look(&after);
        if (left_differs(&before, &after))
            stress_found(stage, "it left behind: %s", left_text(&before, &after));
    }
    atomic_store(&stage->over, 1);
    _exit(0);
}

/* --- around it --------------------------------------------------------------------------------------------------- */

/* Orphans come to this process, which has made itself their reaper. How many were left at the deadline. */
static unsigned reap_orphans(int64_t until)
{
    for (;;) {
        pid_t got = waitpid(-1, NULL, WNOHANG);
        if (got < 0 && errno == ECHILD)
            return 0;
        if (got > 0)
            continue;
        if (clock_now() >= until)
            return left_kill_children();
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
}

/* Whoever was killed with the parent has no account but what it had begun. */
static void account_unfinished(struct stage *stage)
{
    struct account *account = &stage->finding.account;
    *account = (struct account){.kills = account->kills};
    for (unsigned i = 0; i < stage->round.workers; i++)
        account->unsure += atomic_load(&stage->actors[i].attempted);
    for (unsigned i = 0; i < STRESS_OPERATIONS; i++)
        account->unsure += atomic_load(&stage->ran[i]) > 0;
}

static void look_at_end(struct stage *stage, int status, bool hung)
{
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !hung;
    if (!atomic_load(&stage->over))
        account_unfinished(stage);
    stage->finding.account.kills += killed;
    if (hung)
        stress_found(stage, "it hangs: not over after %d s", (int)(ROUND_NS / NS_PER_S));
    else if (!atomic_load(&stage->over) && !(stage->round.kills_parent && killed))
        stress_found(stage, "its parent ended with status %d before its time", status);
}

static int wait_for(pid_t pid, int *status, bool *hung)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return -1;
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int64_t until = clock_now() + ROUND_NS;
    int got;
    do
        got = poll(&p, 1, (int)((until - clock_now()) / 1000000) + 1);
    while (got < 0 && errno == EINTR);
    *hung = got == 0;
    if (got <= 0)
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    close(pidfd);
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return 0;
}

/* A file in /dev/shm may be another program's, which takes it away again; what was left behind stays. */
static void look_patiently(const struct left_system *before, struct left_system *after)
{
    const int64_t until = clock_now() + STAYS_NS;
    for (left_look_system(after); left_system_differs(before, after) && clock_now() < until; left_look_system(after))
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static size_t stage_bytes(const struct round *round)
{
    return sizeof(struct stage) + round->workers * sizeof(struct actor);
}

static void stage_close(struct stage *stage)
{
    if (!stage)
        return;
    memory_free((void *)stage->ran, STRESS_OPERATIONS);
    memory_free((void *)stage->operation, (size_t)stage->round.workers * STRESS_OPERATIONS);
    memory_free(stage, stage_bytes(&stage->round));
}

static struct stage *stage_open(const struct round *round)
{
    struct stage *stage = memory_shared(stage_bytes(round));
    if (!stage)
        return NULL;
    stage->round = *round;
    stage->finding.holds = true;
    stage->ran = memory_shared(STRESS_OPERATIONS);
    stage->operation = memory_shared((size_t)round->workers * STRESS_OPERATIONS);
    if (stage->ran && stage->operation)
        return stage;
    stage_close(stage);
    return NULL;
}

int stress_round(const struct round *round, struct finding *finding, struct error *error)
{
    struct left_system before, after;
    struct stage *stage = stage_open(round);
    int status = 0;
    bool hung = false;
    if (!stage)
        return error_system(error, "no shared memory for a round");
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
        goto fail;
    left_look_system(&before);
    pid_t pid = fork();
    if (pid == 0)
        subject(stage);
    if (pid < 0 || wait_for(pid, &status, &hung))
        goto fail;
    look_at_end(stage, status, hung);
    unsigned orphans = reap_orphans(clock_now() + GONE_NS);
    look_patiently(&before, &after);
    if (orphans > 0)
        stress_found(stage, "it left %u process%s behind", orphans, orphans == 1 ? "" : "es");
    if (left_system_differs(&before, &after))
        stress_found(stage, "it left a file in /dev/shm behind");
    *finding = stage->finding;
    stage_close(stage);
    return 0;
fail:
    error_system(error, "a round cannot be run");
    stage_close(stage);
    return -1;
}
