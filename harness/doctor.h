/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * doctor.h - what on this machine spoils measurements: what was read of it, and what that means.
 *
 * The two are apart: doctor_read() looks and measures, and changes nothing; doctor_judge() is pure, and so tested with
 * machines that do not exist. What could not be had is NAN, NULL or negative in the readings, and makes a finding
 * "unknown", never "fine". */
#ifndef MUSTER_HARNESS_DOCTOR_H
#define MUSTER_HARNESS_DOCTOR_H

#include "harness/idle.h"
#include "harness/problem.h"
#include "harness/topology.h"
#include "reports/duet.h"

enum { IDLE_MODES = IDLE_NATURAL + 1, DOCTOR_BUSIEST = 3, DOCTOR_LINE = 200, DOCTOR_COMMAND = 24 };

/* --- what was read ----------------------------------------------------------------------------------------------- */

/* Waking an idle CPU in one idle mode, ns: of the medians of many short series. */
struct waking {
    double typical, low, high; /* median, 5th and 95th percentile; NAN: it could not be had, */
    char why[DOCTOR_LINE];     /* for this reason */
};

/* One lane over some seconds, operations per second. */
struct lane_range {
    double low, median, high; /* 5th percentile, median, 95th */
    double spread;            /* robust standard deviation of the logarithm */
    double step;              /* the same of what changes from one reading to the next, over the root of 2 */
};

/* A spinner on each allowed unit, all at once. */
struct spinning {
    double elapsed_s;             /* NAN: not done */
    double delay_s;               /* runnable but not running, summed over the units */
    double delay_worst_s;         /* of the unit that had most of it */
    unsigned delay_worst_unit;    /* which one that was */
    double steal_s;               /* as the kernel tells it, summed */
    double gaps_s, gap_longest_s; /* stretches of more than DOCTOR_GAP_NS without a look at the clock, summed */
    struct lane_range ran;        /* the part of the time in which they ran, over stretches of a trial's length */
    double throttled;             /* times that a control group's quota ran out meanwhile */
};

#define DOCTOR_GAP_NS 20000

struct busy_process {
    int pid;
    char command[DOCTOR_COMMAND];
    double share; /* of one unit */
};

/* What others do while nothing of muster runs. */
struct load {
    double elapsed_s;
    double foreign_s; /* CPU time on the allowed units, summed */
    struct busy_process busiest[DOCTOR_BUSIEST];
    unsigned busiest_count;
};

struct timers {
    double resolution_ns; /* as the clock says it */
    double look_ns;       /* what reading the clock costs */
    double late_ns;       /* by how much a sleep of 0.1 ms is too long, median */
    double late_worst_ns; /* 99th percentile */
    double slack_ns;      /* what the kernel may add on purpose */
};

struct restrictions {
    char online[DOCTOR_LINE], isolated[DOCTOR_LINE], nohz_full[DOCTOR_LINE]; /* lists, "0-3,8"; "" for none */
    unsigned online_count;                                                   /* 0: not known */
    unsigned isolated_count;                                                 /* of those that muster may use */
};

struct limits {
    double processes;                           /* of this user: RLIMIT_NPROC; INFINITY: none, or it does not bind */
    double group_processes, group_memory_bytes; /* of the control group: NAN not told, INFINITY none */
};

enum counters { COUNTERS_READ, COUNTERS_ABSENT, COUNTERS_FORBIDDEN, COUNTERS_UNKNOWN };

struct readings {
    const struct host *host;
    unsigned units, cores; /* allowed */
    struct waking wakings[IDLE_MODES];
    struct spinning spinning;
    struct lane_range lanes[LANES];
    unsigned lane_readings;
    struct load load;
    struct timers timers;
    struct restrictions restrictions;
    struct limits limits;
    char clocksources[DOCTOR_LINE]; /* that could be had, "" where it is not told */
    double group_cpus;              /* NAN not told, INFINITY no limit */
    char group_folder[DOCTOR_LINE]; /* which sets it; "" for none */
    enum counters counters;
    int paranoid;              /* perf_event_paranoid; COUNTERS_UNTOLD */
    char trouble[DOCTOR_LINE]; /* why spinners or lanes could not be started; "" when they could */
};

#define COUNTERS_UNTOLD (-100)

/* Takes about time_ns (DOCTOR_TIME_LEAST at least). *host must outlive the readings. 0, or -1 with *problem: nothing
 * can be measured here. */
int doctor_read(struct readings *, const struct host *host, const struct topology *, uint64_t time_ns,
                struct problem *);

#define DOCTOR_TIME_LEAST (INT64_C(100) * 1000000)
#define DOCTOR_TIME_USUAL (INT64_C(8) * 1000000000)
#define DOCTOR_TIME_MOST  (INT64_C(3600) * 1000000000)

/* Its parts: doctor_measure.c, doctor_system.c, doctor_load.c. */
void doctor_read_system(struct readings *, const struct topology *);
void doctor_measure_wakings(struct readings *, const struct machine *, int64_t ns);
void doctor_measure_spinning(struct readings *, const struct machine *, int64_t ns);
void doctor_measure_lanes(struct readings *, const struct machine *, int64_t ns);
void doctor_measure_timers(struct readings *, int64_t ns);
void doctor_measure_load(struct readings *, const struct machine *, int64_t ns);

/* Of `count` rates, of which those that are NAN do not count. */
struct lane_range lane_range_of(const double *rates, size_t count);

/* --- what it means ----------------------------------------------------------------------------------------------- */

enum severity { SEVERITY_FINE, SEVERITY_UNKNOWN, SEVERITY_BEWARE, SEVERITY_SPOILS };

enum { DIAGNOSIS_VALUES = 20, DIAGNOSIS_TEXT = 400 };

struct diagnosis_value {
    const char *name; /* ends in its unit */
    double number;    /* NAN: not told, left out */
    const char *text; /* in its place, unless NULL; lives as long as the readings */
};

struct diagnosis {
    const char *name;
    enum severity severity;
    char found[DIAGNOSIS_TEXT]; /* a clause */
    const char *effect;         /* what it does, to which cells; "" where it does nothing */
    char mend[DIAGNOSIS_TEXT];  /* the command, or that there is none; "" where nothing is to mend */
    struct diagnosis_value values[DIAGNOSIS_VALUES];
    size_t value_count;
};

/* A check fills what is in a finding but its name. */
struct check {
    const char *name;
    void (*judge)(const struct readings *, struct diagnosis *);
};

/* All of them, ended by one without a name: of what was measured (doctor_noise.c, doctor_clock.c), of the machine
 * (doctor_machine.c), of the system (doctor_limits.c). */
extern const struct check doctor_checks[];
size_t doctor_check_count(void);

void judge_waking(const struct readings *, struct diagnosis *);
void judge_steal(const struct readings *, struct diagnosis *);
void judge_delay(const struct readings *, struct diagnosis *);
void judge_gaps(const struct readings *, struct diagnosis *);
void judge_moves(const struct readings *, struct diagnosis *);
void judge_load(const struct readings *, struct diagnosis *);
void judge_clock(const struct readings *, struct diagnosis *);
void judge_timers(const struct readings *, struct diagnosis *);
void judge_hypervisor(const struct readings *, struct diagnosis *);
void judge_frequency(const struct readings *, struct diagnosis *);
void judge_turbo(const struct readings *, struct diagnosis *);
void judge_smt(const struct readings *, struct diagnosis *);
void judge_units(const struct readings *, struct diagnosis *);
void judge_isolated(const struct readings *, struct diagnosis *);
void judge_quota(const struct readings *, struct diagnosis *);
void judge_pages(const struct readings *, struct diagnosis *);
void judge_layout(const struct readings *, struct diagnosis *);
void judge_counters(const struct readings *, struct diagnosis *);
void judge_limits(const struct readings *, struct diagnosis *);

/* findings[doctor_check_count()], the worst first. */
void doctor_judge(const struct readings *, struct diagnosis *findings);

/* "fine", "unknown", "beware", "spoils". */
const char *severity_name(enum severity);

/* Half a lane's range, of its middle; NAN when it was not read. The lane of the widest, -1 when none was. */
double lane_around(const struct lane_range *);
int lane_widest(const struct readings *);

/* CPUs that others kept busy. */
double doctor_foreign(const struct readings *);

#define DOCTOR_FOREIGN 0.05 /* CPUs: from here on, others are seen in everything that is measured */
#define DOCTOR_MOVED   0.05 /* lane_around() that is worth a word */

/* What differences between two builds cannot be seen, as a fraction, as far as the machine's own part in it goes: the
 * 95 % interval of one is wider. What cells add of their own is not in it. NAN: the lanes were not read. */
double doctor_unseen_by_runs(const struct readings *); /* two runs of 6 blocks, one after the other */
double doctor_unseen_by_duet(const struct readings *); /* 24 pairs, and never less than the least margin */

/* "noise here: ..., so differences under ..."; one sentence of what was read. Returns text. */
char *doctor_line(const struct readings *, char *text, size_t size);

/* For the checks: sets severity, effect and mend at once; adds a value. */
void diagnosis_says(struct diagnosis *, enum severity, const char *effect, const char *mend, ...)
    __attribute__((format(printf, 4, 5)));
void diagnosis_number(struct diagnosis *, const char *name, double number);
void diagnosis_text(struct diagnosis *, const char *name, const char *text);

extern const char doctor_no_guest_mend[]; /* "nothing can be done from inside a guest" */

#endif
