/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * contention.h - why a cell is as slow as it is: what its workers paid for sharing, against one worker alone.
 *
 * contention_of() derives the figures of one cell from its trials and from two others of the same run: the same cell
 * with one worker, and the raw operation that bounds it. contention_why() puts the cause in words, by rules over the
 * figures, never by a strategy's name. Cells whose operations the parent drives one at a time have neither an ideal nor
 * a fairness. contention_write() is the table in the terminal. Costs per operation are sums
 * over all trials divided by the operations of all trials; a trial's own noise is not shown here. */
#ifndef MUSTER_REPORTS_CONTENTION_H
#define MUSTER_REPORTS_CONTENTION_H

#include "reports/results.h"
#include "reports/style.h"

#include <stddef.h>
#include <stdio.h>

/* What holds a cell below workers x one worker. The order is the order in which the rules are tried. */
enum contention_cause {
    CONTENTION_UNKNOWN,     /* not measured, or no cell with one worker to compare with */
    CONTENTION_NONE,        /* at least nine tenths of the ideal */
    CONTENTION_CROWDED,     /* more runnable processes than processing units: they queue for them */
    CONTENTION_SERVICE,     /* the parent or manager is busy all the time */
    CONTENTION_WAITING,     /* the workers sleep for an answer, message by message */
    CONTENTION_CACHE_LINE,  /* more CPU time for the same short operation, and nobody sleeps: memory is fought for */
    CONTENTION_SPINNING,    /* the same, but an operation takes far longer than a cache line does: they wait awake */
    CONTENTION_CPU,         /* more CPU time per operation, with switches */
    CONTENTION_UNEXPLAINED, /* none of the figures says it */
};

/* A double that cannot be derived is NAN. Per operation means per acknowledged operation of the cell. */
struct contention {
    const struct cell *cell;
    const struct cell
        *single;      /* the same cell with one worker (the cell itself, if it has one); NULL: not in the run */
    double speedup;   /* value / one worker's value */
    double ideal;     /* workers x one worker's value, operations per second */
    double lost;      /* 1 - value / ideal; below 0 where it did better */
    double of_limit;  /* value / (limit's value x operations that one raw operation carries) */
    double jain;      /* fairness of operations per worker: 1 is even, 1/workers is one worker alone */
    double share_low; /* the least and the most that a worker did in a trial, as parts of an even share: means */
    double share_high;
    double elapsed_ns;        /* of a worker, per operation */
    double workers_cpu_ns;    /* CPU time per operation: all workers together */
    double service_cpu_ns;    /* and the parent or manager */
    double voluntary;         /* context switches of the workers per operation: they waited */
    double involuntary;       /* they were moved aside */
    double service_voluntary; /* the same two of the parent or manager */
    double service_involuntary;
    double run_delay_ns;  /* per operation: workers were runnable and did not run */
    double workers_busy;  /* part of the time that a worker was on a CPU, 0 to 1 */
    double service_busy;  /* the same of the parent or manager */
    double delayed;       /* part of the time that a worker waited for a CPU */
    double single_cpu_ns; /* workers_cpu_ns of one worker */
    enum contention_cause cause;
};

/* Derives *c of one cell of *r. Pure; never fails: what cannot be derived is NAN or NULL. */
void contention_of(struct contention *c, const struct results *r, const struct cell *cell);

/* The mean over trials of what the worker at place `w` from the least did, as a part of an even share; NAN where not
 * measured. Places, not workers: who is favoured changes between trials, that somebody is does not. */
double contention_share(const struct cell *cell, unsigned w);

/* One word or two for the cause, to stand in a table: "cache line". "" for CONTENTION_UNKNOWN. */
const char *contention_name(enum contention_cause cause);

/* A cost per operation, with two digits below 10 ns where format_ns() has one: "14 ns", "6.9 ns", "0.3 ns". `text` has
 * room for FORMAT_SIZE. Returns text. */
char *contention_format_ns(char *text, double ns);

/* One or two sentences, figures included, that say what holds the cell back. "" where there is nothing to say.
 * Writes at most `size` bytes, always terminated; returns 0, or -1 when it had to be cut. */
int contention_why(const struct contention *c, char *text, size_t size);

/* The contention report for a terminal: per workload a row per cell and the causes in words. With style->long_form or
 * at least 140 columns every worker count and every figure. 0, or -1 when the stream failed or memory was short. */
int contention_write(FILE *out, const struct results *r, const struct report_style *style);

#endif
