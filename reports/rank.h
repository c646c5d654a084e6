/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rank.h - what the cells amount to: matrices of comparable cells, who is best in them, who ties, what sharing gained.
 *
 * A matrix holds the cells of one workload under one payload, item cost and placement, in the run's idle mode, at the
 * most workers measured: a row per strategy and variant, a column per chunk. Rows are ranked within one visibility
 * only, and only where writes are seen once acknowledged, or where the workload writes nothing others see; the rest
 * stand side by side. Everything points into the results, which must outlive it. */
#ifndef MUSTER_REPORTS_RANK_H
#define MUSTER_REPORTS_RANK_H

#include "reports/results.h"
#include "reports/statistics.h"

#define RANK_CHUNKS 8 /* columns kept in a matrix; more chunks are counted in chunks_left_out */

enum rank_word {
    RANK_NONE,
    RANK_BEST,    /* the highest median of its column */
    RANK_TIE,     /* the blocks do not tell it from the best */
    RANK_FASTEST, /* the highest median, of too few blocks to say more */
};

struct rank_row {
    const struct cell *cells[RANK_CHUNKS]; /* by column; NULL where nothing was planned */
    enum rank_word words[RANK_CHUNKS];
    const struct cell *any; /* one of them: strategy, variant, visibility of the row */
    bool control;
    bool ranked;     /* takes part in the ranking of its group */
    bool ties_above; /* the blocks do not tell it from the row above, at the lead column */
    double gain;     /* over one worker, at the lead column; NAN */
};

struct rank_matrix {
    const struct results *results;
    const char *workload, *unit, *placement;
    uint64_t payload_bytes;
    double item_cost_ns;
    unsigned workers;             /* the most that were measured; the control's rows have fewer */
    uint64_t chunks[RANK_CHUNKS]; /* ascending, 0 (auto) last */
    size_t chunk_count, chunks_left_out;
    size_t lead;           /* the column by which rows are sorted: the smallest chunk that most rows have */
    struct rank_row *rows; /* by visibility, fastest first, unranked after ranked; controls last */
    size_t row_count;
};

/* 0, or -1 when memory is short. Yardsticks are in no matrix. */
int rank_build(const struct results *, struct rank_matrix **matrices, size_t *count);
void rank_free(struct rank_matrix *matrices, size_t count);

/* True when the cell belongs into the matrix but for chunk, workers and idle mode. */
bool rank_same_matrix(const struct rank_matrix *, const struct cell *);

enum strategy_role rank_role(const struct results *, const char *strategy);
const struct workload_info *rank_workload(const struct results *, const char *workload); /* or NULL */
const char *rank_idle(const struct results *); /* the run's idle mode; "" when unknown */

/* "strategy" or "strategy:variant": the variant only where it is not the default one. */
char *rank_name(char *text, size_t size, const struct cell *);

/* The same cell with one worker; with another idle mode; NULL when there is none. */
const struct cell *rank_one_worker(const struct results *, const struct cell *);
const struct cell *rank_other_idle(const struct results *, const struct cell *);

double rank_gain(const struct results *, const struct cell *); /* over one worker; NAN */

/* The parent drives its operations one at a time, each with a latency of its own: workers beside the one that is asked
 * cannot make it faster. That of a matrix: any of its cells. */
bool rank_in_turn(const struct cell *);
bool rank_matrix_in_turn(const struct rank_matrix *);

/* Of the raw operation's rate. NAN also where so much travels with one that the operations' own cost is the limit: what
 * the control does by itself, times the workers, is less. */
double rank_limit_ratio(const struct results *, const struct cell *);
double rank_lost(const struct cell *);     /* part of the operations that the proof missed; NAN without trials */
double rank_noise(const struct results *); /* relative half-width below which nothing shows; NAN */
/* What waking cost around each trial of cells in that mode, into costs[count]; returns how many, also where costs is
 * NULL. */
size_t rank_wake_costs(const struct results *, const char *idle, double *costs);
double rank_wake_ns(const struct results *, const char *idle); /* median wake-up cost in that mode; NAN */

/* The control's cell at the lead column; where it has none, its fastest; NULL where it was not measured. */
const struct cell *rank_control(const struct rank_matrix *);

/* a against b over the blocks that both have. */
enum paired rank_compare(const struct cell *a, const struct cell *b);

/* Sentences for people, "" when there is nothing to say. Return text. */
char *rank_sentence(char *text, size_t size,
                    const struct rank_matrix *); /* who wins, by how much, against the control */
/* What a cell that loses operations by design lost, and why it could: "22 % of its operations were lost (...): ...". */
char *rank_lost_sentence(char *text, size_t size, const struct cell *);
/* Whether idle modes were compared and differ by more than the noise. */
bool rank_idle_matters(const struct results *);
char *rank_idle_sentence(char *text, size_t size,
                         const struct results *); /* what waking costs, and what another idle mode
                                                   changes most, either way, beyond the noise */

/* "every cell is within 2 %, after 14 blocks", or which are not; "" where no precision was asked for. Returns text. */
char *rank_precision_sentence(char *text, size_t size, const struct results *);

#endif
