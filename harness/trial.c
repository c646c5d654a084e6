/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * trial.c - opening a cell's pool, measuring windows, proving each of them. */
#include "harness/trial.h"
#include "harness/clock.h"
#include "harness/key_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct session {
    struct request request;
    struct setup setup;
    struct manager_at manager;
    struct key_file key;
    struct gate *gate;
    struct pool *pool;
    uint64_t *done; /* grains per worker, then the parent's */
    uint64_t *shares;
};

/* --- opening and closing ----------------------------------------------------------------------------------------- */

static int start_pool(struct session *s, struct error *error)
{
    const struct workload *workload = s->request.workload;
    if (pool_open(&s->pool, s->request.strategy, &s->setup, error))
        return -1;
    if (workload->objects(s->pool, error) || pool_start(s->pool, error))
        return -1;
    return workload->fill ? workload->fill(s->pool, error) : 0;
}

static int allocate(struct session *s, struct binder *binder, struct error *error)
{
    const struct request *r = &s->request;
    s->done = calloc(r->parameters.workers + 1, sizeof *s->done);
    s->shares = calloc(r->parameters.workers, sizeof *s->shares);
    s->gate = gate_open(r->parameters.workers, binder, r->pus, r->service_pu, r->oversubscribed);
    if (!s->done || !s->shares || !s->gate || (r->workload->timed && gate_keep_times(s->gate)))
        return error_system(error, "no memory for a trial of %u workers", r->parameters.workers);
    return 0;
}

static void free_session(struct session *s)
{
    s->request.workload->release(s->setup.ctx);
    gate_close(s->gate);
    free(s->done);
    free(s->shares);
    free(s);
}

static int find_manager(struct session *s, struct error *error)
{
    const struct request *r = &s->request;
    struct problem problem;
    if (!r->manager)
        return 0;
    if (r->key_file && key_file_read(&s->key, r->key_file, &problem))
        return error_set(error, ERROR_USE, "%s", problem.text);
    s->manager = (struct manager_at){.address = r->manager, .key = s->key.bytes, .key_bytes = s->key.count};
    s->setup.manager = &s->manager;
    return 0;
}

int trial_open(struct session **out, const struct request *request, struct binder *binder, struct error *error)
{
    struct session *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return error_system(error, "no memory for a trial");
    s->request = *request;
    if (allocate(s, binder, error))
        goto fail;
    s->setup = (struct setup){
        .workers = request->parameters.workers,
        .variant = request->variant,
        .depth = request->depth,
        .hooks = gate_hooks(s->gate),
    };
    if (find_manager(s, error) || request->workload->prepare(&request->parameters, &s->setup, error) ||
        start_pool(s, error))
        goto fail;
    *out = s;
    return 0;
fail:
    pool_free(s->pool, 0, NULL);
    free_session(s);
    return -1;
}

int trial_close(struct session *s, int64_t grace_ns, struct error *error)
{
    if (!s)
        return 0;
    int result = pool_free(s->pool, grace_ns, error);
    free_session(s);
    return result;
}

const struct gate *trial_gate(const struct session *s)
{
    return s->gate;
}

bool trial_tell(struct session *s, size_t index, struct told *told)
{
    const struct errand *errand = s->request.workload->errand;
    *told = (struct told){.line = NULL};
    return errand && errand->tell(s->pool, index, told);
}

unsigned trial_depth(const struct session *s)
{
    return pool_depth(s->pool, s->request.parameters.chunk);
}

/* --- a window ---------------------------------------------------------------------------------------------------- */

static int run_window(struct session *s, int64_t window_ns, struct error *error)
{
    const struct workload *workload = s->request.workload;
    gate_arm(s->gate, window_ns);
    return workload->from_parent ? pool_drive(s->pool, workload->step, error)
                                 : pool_each(s->pool, workload->step, error);
}

static void account(struct measured *window, const struct stamps *stamps, uint64_t operations, int64_t *first,
                    int64_t *last)
{
    if (stamps->first == 0 || stamps->last <= stamps->first)
        return;
    window->operations += operations;
    window->rate += (double)operations / clock_seconds(stamps->last - stamps->first);
    *first = *first == 0 || stamps->first < *first ? stamps->first : *first;
    *last = stamps->last > *last ? stamps->last : *last;
}

/* Turns time stamps into rates, and fills s->done for the proof. */
static struct measured read_stamps(struct session *s)
{
    const unsigned workers = s->request.parameters.workers;
    const bool from_parent = s->request.workload->from_parent;
    const uint64_t grain = s->request.workload->grain(s->setup.ctx);
    struct measured window = {.rate = 0};
    int64_t first = 0, last = 0;
    for (unsigned i = 0; i <= workers; i++) {
        struct stamps stamps = gate_stamps(s->gate, i == workers ? SLOT_PARENT : i);
        s->done[i] = stamps.grains;
        if (from_parent == (i == workers))
            account(&window, &stamps, stamps.grains * grain, &first, &last);
    }
    window.seconds = clock_seconds(last - first);
    return window;
}

static int prove(struct session *s, struct series *series, struct error *error)
{
    const struct workload *workload = s->request.workload;
    struct proof proof = {.holds = false};
    if (workload->check(s->pool, s->done, &proof, error))
        return -1;
    if (!proof.holds && series->verified)
        memcpy(series->proof, proof.text, sizeof series->proof);
    series->verified = series->verified && proof.holds;
    series->lost += proof.lost;
    return 0;
}

static void add_shares(struct session *s, uint64_t *per_worker)
{
    const struct workload *workload = s->request.workload;
    const uint64_t grain = workload->grain(s->setup.ctx);
    if (workload->shares)
        workload->shares(s->setup.ctx, s->shares);
    for (unsigned i = 0; i < s->request.parameters.workers; i++)
        per_worker[i] += workload->shares ? s->shares[i] : s->done[i] * grain;
}

/* --- what it costs ----------------------------------------------------------------------------------------------- */

/* The pid of a child that was reaped may be another's by now. */
static bool is_child(pid_t pid)
{
    siginfo_t info;
    return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Standing workers, and children that came and went. */
static struct paid paid_by_workers(const struct session *s)
{
    struct paid sum = {.cpu_s = 0};
    for (unsigned i = 0; i < s->request.parameters.workers; i++) {
        pid_t pid = gate_pid(s->gate, i);
        if (!is_child(pid))
            continue;
        struct paid one = probe_process(pid);
        paid_add(&sum, &one);
    }
    struct paid children = probe_children();
    paid_add(&sum, &children);
    return sum;
}

/* A manager and its parent, who hands it the work, share a place. */
static struct paid paid_by_service(const struct session *s)
{
    pid_t service = pool_service(s->pool), parent = getpid();
    /* One that serves by an address is not ours, and what it pays is not seen from here. */
    struct paid sum = probe_process(service ? service : parent);
    if (service && service != parent) {
        struct paid own = probe_process(parent);
        paid_add(&sum, &own);
    }
    return sum;
}

/* One window with the service's costs read close around it, since proofs make it work too. */
static int measure_window(struct session *s, int64_t window_ns, struct series *series, size_t index,
                          struct error *error)
{
    struct paid before = paid_by_service(s);
    if (run_window(s, window_ns, error))
        return -1;
    struct paid after = paid_by_service(s);
    struct paid cost = paid_between(&before, &after);
    paid_add(&series->service, &cost);
    series->windows[index] = read_stamps(s);
    if (prove(s, series, error))
        return -1;
    add_shares(s, series->per_worker);
    return 0;
}

static int allocate_series(const struct session *s, struct series *series, size_t count, struct error *error)
{
    *series = (struct series){.verified = true, .count = count};
    series->windows = calloc(count, sizeof *series->windows);
    series->per_worker = calloc(s->request.parameters.workers, sizeof *series->per_worker);
    if (s->request.workload->timed)
        series->times = calloc(1, sizeof *series->times);
    if (series->windows && series->per_worker && (series->times || !s->request.workload->timed))
        return 0;
    return error_system(error, "no memory for %zu windows", count);
}

int trial_measure(struct session *s, size_t count, int64_t window_ns, struct series *series, struct error *error)
{
    if (allocate_series(s, series, count, error))
        goto fail;
    struct paid before = paid_by_workers(s);
    for (size_t i = 0; i < count; i++)
        if (measure_window(s, window_ns, series, i, error))
            goto fail;
    if (series->times)
        gate_take_times(s->gate, series->times);
    struct paid after = paid_by_workers(s);
    series->workers = paid_between(&before, &after);
    if (s->request.strategy->role == ROLE_CONTROL_ONLY) {
        /* The parent is the worker, and nobody serves. */
        paid_add(&series->workers, &series->service);
        series->service = (struct paid){.cpu_s = 0};
    }
    return 0;
fail:
    series_free(series);
    return -1;
}

void series_free(struct series *series)
{
    free(series->windows);
    free(series->per_worker);
    free(series->times);
    *series = (struct series){.count = 0};
}

/* --- the pilot --------------------------------------------------------------------------------------------------- */

#define CALL_NS      5000000 /* what a call shall last */
#define ITEMS_MOST   (UINT64_C(1) << 20)
#define BYTES_MOST   (UINT64_C(64) << 20)
#define PILOT_GROWTH 32 /* a step's most */
#define PILOT_CALLS  7  /* timed at each size */

static uint64_t power_at_least(uint64_t n)
{
    uint64_t power = 1;
    while (power < n)
        power *= 2;
    return power;
}

static uint64_t items_most(const struct request *r)
{
    uint64_t fit = BYTES_MOST / (2 * r->parameters.payload), most = fit < ITEMS_MOST ? fit : ITEMS_MOST, power = 1;
    while (power * 2 <= most)
        power *= 2;
    return power;
}

/* How long one call lasts: the shortest of a few, since disturbance only makes it longer, after one that warms the
 * workers up. A window of a nanosecond holds one call. */
static int shortest_call(struct session *s, int64_t *took, struct error *error)
{
    struct series warm, series;
    if (trial_measure(s, 1, 1, &warm, error))
        return -1;
    series_free(&warm);
    double least = 1e9;
    for (int i = 0; i < PILOT_CALLS && (i == 0 || least * (double)NS_PER_S < 2 * CALL_NS); i++) {
        if (trial_measure(s, 1, 1, &series, error))
            return -1;
        least = series.windows[0].seconds < least ? series.windows[0].seconds : least;
        series_free(&series);
    }
    *took = (int64_t)(least * (double)NS_PER_S);
    return 0;
}

static int time_call(const struct request *r, struct binder *binder, int64_t *took, struct error *error)
{
    struct request pilot = *r;
    struct session *s;
    if (pilot.parameters.chunk == 0)
        pilot.parameters.chunk = r->workload->chunk_auto(&pilot.parameters);
    if (trial_open(&s, &pilot, binder, error))
        return -1;
    int result = shortest_call(s, took, error);
    return trial_close(s, NS_PER_S, result ? NULL : error) || result ? -1 : 0;
}

/* The power of two nearest to a call of CALL_NS, approached from below. */
static int pilot_items(struct request *r, struct binder *binder, struct error *error)
{
    uint64_t least = power_at_least(4 * (uint64_t)r->parameters.workers), most = items_most(r);
    r->parameters.items = least < most ? least : most;
    for (;;) {
        int64_t took = 0;
        if (time_call(r, binder, &took, error))
            return -1;
        double factor = (double)CALL_NS / (double)(took > 1000 ? took : 1000);
        if (factor < 1.42 || r->parameters.items >= most)
            return 0;
        uint64_t step = 2;
        while (step * 2 <= PILOT_GROWTH && (double)step * 1.42 < factor)
            step *= 2;
        r->parameters.items = r->parameters.items * step < most ? r->parameters.items * step : most;
    }
}

int trial_settle(struct request *r, struct binder *binder, struct error *error)
{
    if (r->workload->itemised && r->parameters.items == 0 && pilot_items(r, binder, error))
        return -1;
    if (r->parameters.chunk == 0 || r->workload->unchunked)
        r->parameters.chunk = r->workload->chunk_auto(&r->parameters);
    return 0;
}
