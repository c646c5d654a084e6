/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * results.h - the one model of what was measured: a run, its cells, their trials.
 *
 * The harness fills it while it measures and writes it after every trial; `muster report` and `muster compare` read it
 * back. Every writer of the reports takes a `const struct results *` and nothing else. reports/results.schema.json is
 * the file's form; this header gives every field's unit.
 *
 * A double that was not measured is NAN here and absent in the file; a string that is not known is NULL here and absent
 * there. All memory that hangs below a struct results is its own, freed by results_free(). Nothing here may be called
 * concurrently on one struct results. */
#ifndef MUSTER_REPORTS_RESULTS_H
#define MUSTER_REPORTS_RESULTS_H

#include "reports/lanes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESULTS_SCHEMA "muster.results/1"

enum cell_status {
    CELL_PENDING, /* planned, no trial yet: not written */
    CELL_OK,
    CELL_NA,     /* the strategy lacks the operation, see reason; never changes an exit code */
    CELL_FAILED, /* a proof failed, a worker died, a deadline passed: see reason; it has no value */
};

/* What the processes of one trial paid, summed over its timed windows (warm-up left out). */
struct costs {
    double workers_cpu_s;     /* CPU time of the workers */
    double service_cpu_s;     /* CPU time of the parent, or of the manager where there is one */
    double voluntary;         /* context switches of the workers: they waited */
    double involuntary;       /* context switches of the workers: they were moved aside */
    double run_delay_s;       /* time that workers were runnable but not running */
    double service_voluntary; /* the same two of the parent or manager */
    double service_involuntary;
};

/* One process tree's measurement of one cell. */
struct trial {
    unsigned block;   /* 1 for the first */
    double started_s; /* seconds since the run began */
    double elapsed_s; /* from fork of the trial to its end, all told */
    double value;     /* median over windows, operations per second */
    double *windows;  /* operations per second of each timed window */
    size_t window_count;
    uint64_t *per_worker; /* operations of each worker over the timed windows */
    size_t worker_count;
    double window_s; /* summed wall time of the timed windows */
    struct costs costs;
    uint64_t lost;         /* operations that the proof missed (the racy variant's measurement) */
    double wake_before_ns; /* what waking an idle CPU cost just before this trial, median */
    double wake_after_ns;  /* and just after it */
    double steal_s;        /* that the host took from the cell's processing units meanwhile, summed over them */
    double foreign_s;      /* CPU time of others on them; coarse, so below 0 too */
};

/* How long single operations took, over all timed windows of all trials, ns; read from a histogram whose error is below
 * half a percent. */
struct latency {
    double p50, p90, p99, p99_9, max;
    uint64_t samples; /* 0: not measured */
};

/* strategy x variant x workload x parameters, and its trials. */
struct cell {
    char *id; /* "map/shared-memory w=2 c=1 p=cores i=0 b=8", unique within a run */
    char *workload, *strategy, *variant;
    bool variant_default; /* the strategy's first variant: shown without its name */
    unsigned workers;
    uint64_t chunk;      /* as asked; 0 is auto */
    uint64_t chunk_used; /* operations that travelled together */
    char *placement;
    unsigned *pus;  /* OS index for each worker; count = workers; NULL for placement none */
    char *service;  /* "own" or "shared" */
    int service_pu; /* -1: not bound */
    char *manager;  /* the address of the manager that served it; NULL: none, or the pool's own */
    bool oversubscribed;
    double item_cost_ns;
    uint64_t payload_bytes; /* 0 where the workload has none */
    uint64_t items;         /* per map call; 0 where the workload has none */
    unsigned depth;         /* messages in flight per worker */
    char *idle;             /* poll, spin, natural */
    enum cell_status status;
    char *reason;  /* n/a or failed: why */
    bool verified; /* every window of every trial was proved */
    bool ranked;   /* false for variants that are incorrect by design: never best, never tie */
    char *visible; /* when others see a write: "once acknowledged", "at join", "when quiet"; "" for workloads without */
    char *metric, *unit, *better; /* "throughput", "items/s", "higher" */
    char *limit; /* name of the raw operation that bounds it, a workload of the yardstick strategy; or NULL */
    uint64_t limit_carries; /* operations of this cell that one raw operation carries: 1, or chunk_used */
    double value, ci_low, ci_high,
        confidence;         /* of the trials' values: median, order-statistic interval; NAN under 6 trials */
    struct latency latency; /* of workloads whose operations are round trips */
    struct trial *trials;
    size_t trial_count;
};

enum strategy_role { ROLE_STRATEGY, ROLE_CONTROL, ROLE_YARDSTICK };

struct strategy_info {
    char *name, *summary, *visible;
    /* a clause each: what the strategy does for it (the semantics table); NULL: it does not carry it */
    char *map, *counter, *list, *array, *dict, *lock, *async;
    enum strategy_role role; /* in the file: "strategy", "control", "yardstick" */
};

struct workload_info {
    char *name, *summary, *unit;
};

/* The machine and all conditions that a second person needs. Strings may be NULL, numbers 0 where unknown. */
struct host {
    char *name; /* host name */
    char *cpu, *arch, *kernel, *os, *libc, *hypervisor, *clocksource, *governor, *turbo, *smt, *mitigations, *thp,
        *aslr, *cpufreq_driver, *preemption, *cgroup_cpu_max, *idle_driver;
    unsigned packages, cores, pus; /* allowed ones */
    uint64_t memory_bytes;
    double load_1min;   /* at the start */
    char *topology_xml; /* hwloc's XML, without names of host or cgroup */
};

/* What --precision asked for, and what was reached; in this header's terms, with looks 0: nothing was asked for. */
struct precision_reached {
    double wanted;        /* relative half-width of every interval */
    uint64_t looks;       /* planned ones: the chance of a miss is shared out over them */
    unsigned wide, cells; /* cells whose interval is wider, of how many that were measured */
};

/* The control lanes, read once every trial of a block had ended. */
struct lane_reading {
    unsigned block;
    double started_s; /* since the run began */
    struct lanes lanes;
};

struct results {
    char *version, *commit, *compiler, *cflags;
    char *created; /* UTC, ISO 8601 */
    char **command;
    size_t command_count;
    uint64_t seed;
    double elapsed_s;
    unsigned blocks_planned;
    unsigned blocks_complete;  /* gone through to the end; a cell that failed has no trial in those after it */
    bool interrupted;          /* by a signal or a budget: what is complete is kept */
    double window_s, warmup_s; /* length of one timed window; length of all warm-up per trial */
    unsigned windows;          /* timed windows per trial */
    double handicap;           /* by how much its trials stretched their times, 0.05 for 5 %; 0: not at all */
    char *idle;                /* the run's idle mode (a cell may differ) */
    char *idle_note;           /* how it was chosen, and whether it took effect; one sentence */
    double noise; /* relative half-width that cannot be undercut here today: median over cells of the interval; NAN */
    struct precision_reached precision;
    struct lane_reading *lane_readings; /* runs of too few blocks for an interval have none */
    size_t lane_reading_count;
    struct host host;
    struct strategy_info *strategies;
    size_t strategy_count;
    struct workload_info *workloads;
    size_t workload_count;
    struct cell *cells;
    size_t cell_count;
};

/* What went wrong with a file: `code` is an exit code (65 not what it should be, 66 cannot be opened, 73 cannot be
 * written). */
struct report_error {
    int code;
    char text[512]; /* one line, names the file, says what to do */
};

/* Recomputes value, interval and status-independent summaries of one cell from its trials. Pure. */
void cell_summarise(struct cell *);

/* The same with an interval of that exact coverage, STATISTICS_CONFIDENCE at least: what it takes for that confidence
 * where the run was looked at more than once. */
void cell_widen(struct cell *, double coverage);

/* Processing units that the cell's processes had, each once; 0: they were not bound. */
unsigned cell_units(const struct cell *);

/* Frees all that hangs below, then zeroes *r. */
void results_free(struct results *);

/* Reads a results file, or DIR/results.json if `path` is a folder. Validates against the schema's rules: missing or
 * mistyped fields, NaN, a file cut in half are error 65 that names the place. 0, or -1 with *error filled and *r
 * zeroed. */
int results_read(struct results *r, const char *path, struct report_error *error);

/* Writes dir/results.json by temporary file, fsync and rename: a reader sees the old file or the new one, never half.
 * 0, or -1 with *error filled; the earlier file is then untouched and no temporary file is left behind. */
int results_write(const struct results *r, const char *dir, struct report_error *error);

/* The whole file as text, freed by the caller; NULL when memory is short. */
char *results_to_json(const struct results *r);

#endif
