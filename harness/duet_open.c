/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_open.c - what a duet holds while it measures: its state, both sides' requests, the lookouts; and letting go. */
#include "harness/duet_parts.h"

#include "harness/clock.h"
#include "harness/tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The candidate's request is the plan's, but for the physical control's item cost. */
static void copy_requests(struct duet_run *run)
{
    for (size_t i = 0; i < run->plan->count; i++) {
        struct request *r = &run->state->candidate[i];
        *r = run->plan->entries[i].request;
        if (run->cost_factor > 0)
            r->parameters.cost = (uint64_t)llround((double)r->parameters.cost * run->cost_factor);
    }
}

static int fill_sides(struct duet_run *run)
{
    static char name[] = "muster";
    char *self[] = {name, NULL};
    for (enum arm arm = 0; arm < ARMS; arm++) {
        struct side *side = &run->duet->sides[arm];
        char *const *command = run->commands[arm] ? run->commands[arm] : self;
        size_t count = 0;
        while (command[count])
            count++;
        side->command = calloc(count + 1, sizeof *side->command);
        if (!side->command)
            return -1;
        for (; side->command_count < count; side->command_count++)
            side->command[side->command_count] = strdup(command[side->command_count]);
    }
    return 0;
}

static int allocate(struct duet_run *run)
{
    const size_t count = run->plan->count + 1;
    struct duet_state *s = run->state = calloc(1, sizeof *s);
    if (!s)
        return -1;
    *s = (struct duet_state){
        .candidate = calloc(count, sizeof *s->candidate),
        .order = calloc(count, sizeof *s->order),
        .again = calloc(count, sizeof *s->again),
        .confirmed = calloc(count, sizeof *s->confirmed),
        .pair_s = calloc(count, sizeof *s->pair_s),
        .wanted = calloc(count, sizeof *s->wanted),
        .looked_again = calloc(count, sizeof *s->looked_again),
        .stumbled = calloc(count, sizeof *s->stumbled),
        .began = clock_now(),
        .budget_s = run->effort.budget_s > 0 && !run->effort.blocks ? run->effort.budget_s : INFINITY,
        .units = duet_units(run->duet),
    };
    run->duet->cells = calloc(count, sizeof *run->duet->cells);
    return s->candidate && s->order && s->again && s->confirmed && s->pair_s && s->wanted && s->looked_again &&
                   s->stumbled && run->duet->cells
               ? fill_sides(run)
               : -1;
}

/* What the driver's own build cannot combine, it cannot ask for. */
static void copy_lacks(struct duet_run *run)
{
    for (size_t i = 0; i < run->plan->count; i++) {
        const struct cell *cell = &run->duet->about.cells[i];
        for (enum arm arm = 0; arm < ARMS && cell->status == CELL_NA; arm++)
            duet_fault(run, i, arm, SIDE_LACKS, cell->reason ? cell->reason : "");
    }
}

/* Without lanes or /proc/stat fewer pairs are known to be spoiled; that is no reason not to measure. */
static void open_lookouts(struct duet_run *run, const unsigned *units, unsigned count)
{
    struct duet_state *s = run->state;
    struct problem problem;
    unsigned two[2] = {units[0], units[count > 1]};
    s->stolen = stolen_open(units, count);
    if (lanes_open(&s->lanes, two, &problem) == 0)
        return;
    s->lanes = NULL;
    progress_note(run->progress, "muster: no control lanes: %s", problem.text);
}

bool duet_alternates_windows(bool trials_asked)
{
    return !trials_asked && tree_visible();
}

int duet_open(struct duet_run *run, struct problem *problem)
{
    unsigned units[WORKERS_MAX + 1], count = plan_units(run->plan, units, WORKERS_MAX + 1);
    problem->code = EXIT_FINE;
    if (allocate(run)) {
        problem_set(problem, EXIT_UNPROVED, "no memory for a duet");
        return EXIT_UNPROVED;
    }
    copy_requests(run);
    copy_lacks(run);
    /* What an earlier duet left in the folder is not worth a command that is mistyped. */
    int code = duet_greet(run, problem);
    if (code == EXIT_FINE && duet_store(run, problem))
        return problem->code;
    if (code == EXIT_FINE &&
        idle_open(&run->state->idle, run->plan->entries[0].idle, run->idle_poll_us, units, count, problem))
        return problem->code;
    if (code == EXIT_FINE)
        code = duet_settle(run);
    if (code == EXIT_INTERRUPTED)
        return duet_broken_off(run, problem);
    if (code == EXIT_FINE && plan_measurable(run->plan, &run->duet->about) == 0) {
        problem_set(problem, EXIT_INCOMPARABLE, "neither build has any of the cells: %s",
                    run->duet->cells[0].reasons[ARM_BASE]);
        return EXIT_INCOMPARABLE;
    }
    if (code == EXIT_FINE && count > 0)
        open_lookouts(run, units, count);
    return code;
}

void duet_close(struct duet_run *run)
{
    struct duet_state *s = run->state;
    if (!s)
        return;
    progress_clear(run->progress);
    lanes_close(s->lanes);
    stolen_close(s->stolen);
    idle_close(s->idle);
    free(s->candidate);
    free(s->order);
    free(s->again);
    free(s->confirmed);
    free(s->pair_s);
    free(s->wanted);
    free(s->looked_again);
    free(s->stumbled);
    free(s);
    run->state = NULL;
}
