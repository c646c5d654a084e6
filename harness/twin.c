/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * twin.c - see twin.h. */
#include "harness/twin.h"

#include "harness/clock.h"

#include <stdlib.h>
#include <string.h>

static int copy_list(struct text_list *to, const struct text_list *from)
{
    *to = (struct text_list){.items = calloc(from->count + 1, sizeof *to->items)};
    if (!to->items)
        return -1;
    for (; to->count < from->count; to->count++) {
        to->items[to->count] = strdup(from->items[to->count]);
        if (!to->items[to->count])
            return -1;
    }
    return 0;
}

int twin_copy(struct wanted *to, const struct wanted *from)
{
    return copy_list(&to->strategies, &from->strategies) || copy_list(&to->workloads, &from->workloads) ||
                   copy_list(&to->workers, &from->workers) || copy_list(&to->chunks, &from->chunks) ||
                   copy_list(&to->payloads, &from->payloads) || copy_list(&to->costs, &from->costs)
               ? -1
               : 0;
}

int twin_name(struct text_list *list, const char *name)
{
    char *items[] = {(char *)name};
    const struct text_list one = {.items = items, .count = 1};
    text_list_free(list);
    return copy_list(list, &one);
}

static void set_effort(struct twin *t)
{
    const struct asked_for *a = &t->job.asked;
    struct results *about = &t->duet.about;
    struct effort *e = &t->run.effort;
    *e = (struct effort){
        .windows = a->windows ? a->windows : JOB_WINDOWS,
        .window_ns = a->window_ns ? (int64_t)a->window_ns : JOB_WINDOW_NS,
        .warmup_ns = (int64_t)a->warmup_ns,
    };
    about->windows = e->windows;
    about->window_s = clock_seconds(e->window_ns);
    about->warmup_s = clock_seconds(e->window_ns) * schedule_warmups(e);
    about->seed = job_seed(&t->job);
}

int twin_prepare(struct twin *t, const struct asked_for *asked, const struct criteria *criteria, int argc, char **argv,
                 struct problem *problem)
{
    *t = (struct twin){.job = {.asked = *asked}};
    t->job.asked.wanted = (struct wanted){.strategies = {.items = NULL}};
    if (twin_copy(&t->job.asked.wanted, &asked->wanted))
        return problem_set(problem, EXIT_UNPROVED, "no memory for the selection");
    if (job_plan(&t->job, &t->duet.about, problem))
        return -1;
    if (t->job.selection.errand)
        return problem_set(problem, EXIT_USAGE, "%s does something in the world: it is not measured again and again",
                           t->job.selection.errand->name);
    set_effort(t);
    if (job_describe(&t->job, &t->duet.about, argc, argv, problem))
        return -1;
    t->duet.by_windows = true;
    t->run.plan = &t->job.plan;
    t->run.duet = &t->duet;
    t->run.cost_factor = 1;
    t->run.criteria = criteria;
    t->run.idle_poll_us = t->job.asked.idle.poll_us;
    return 0;
}

void twin_free(struct twin *t)
{
    duet_close(&t->run);
    progress_close(t->run.progress);
    t->run.progress = NULL;
    duet_free(&t->duet);
    job_free(&t->job);
}
