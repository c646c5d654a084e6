/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * selection.c - looking up names, reading lists of numbers, and what is meant when nothing is said. */
#include "harness/selection.h"
#include "harness/suggest.h"
#include "harness/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MATRIX_MOST 256 /* entries of any list */
#define CHUNK_MOST  (1 << 24)

/* --- strategies -------------------------------------------------------------------------------------------------- */

static int unknown(const char *what, struct suggestion *s, struct problem *problem)
{
    return problem_set(problem, EXIT_USAGE, "unknown %s '%s'%s", what, s->wrong,
                       s->nearest ? suggest_clause(s) : "; see muster list");
}

static int add_choice(struct selection *sel, const struct strategy *strategy, unsigned variant, struct problem *problem)
{
    for (size_t i = 0; i < sel->choice_count; i++)
        if (sel->choices[i].strategy == strategy && sel->choices[i].variant == variant)
            return 0;
    if (sel->choice_count == MATRIX_MOST)
        return problem_set(problem, EXIT_USAGE, "more than %d strategies", MATRIX_MOST);
    sel->choices[sel->choice_count++] = (struct choice){.strategy = strategy, .variant = variant};
    sel->limits_named |= strategy->role == ROLE_LIMITS;
    return 0;
}

/* `all` leaves out what loses updates by design. */
static int add_variants(struct selection *sel, const struct strategy *strategy, const char *name,
                        struct problem *problem)
{
    bool all = strcmp(name, "all") == 0;
    struct suggestion s = {.wrong = name};
    bool found = all;
    for (unsigned v = 0; strategy->variants[v].name; v++) {
        suggest_offer(&s, strategy->variants[v].name);
        if (all ? strategy->variants[v].incorrect : strcmp(name, strategy->variants[v].name) != 0)
            continue;
        found = true;
        if (add_choice(sel, strategy, v, problem))
            return -1;
    }
    if (found)
        return 0;
    return problem_set(problem, EXIT_USAGE, "unknown variant '%s' of %s%s", name, strategy->name,
                       s.nearest ? suggest_clause(&s) : "; see muster list");
}

static int add_strategy(struct selection *sel, const char *text, struct problem *problem)
{
    char name[64];
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    struct suggestion s = {.wrong = name};
    if (length >= sizeof name)
        return problem_set(problem, EXIT_USAGE, "unknown strategy '%s'; see muster list", text);
    memcpy(name, text, length);
    name[length] = '\0';
    if (strcmp(text, "all") == 0) {
        for (const struct strategy *const *each = strategies; *each; each++)
            if ((*each)->role != ROLE_LIMITS && add_choice(sel, *each, 0, problem))
                return -1;
        return 0;
    }
    const struct strategy *strategy = strategy_find(name);
    for (const struct strategy *const *each = strategies; *each; each++)
        suggest_offer(&s, (*each)->name);
    if (!strategy)
        return unknown("strategy", &s, problem);
    return colon ? add_variants(sel, strategy, colon + 1, problem) : add_choice(sel, strategy, 0, problem);
}

/* --- workloads --------------------------------------------------------------------------------------------------- */

static int add_workload(struct selection *sel, const struct workload *workload, struct problem *problem)
{
    for (size_t i = 0; i < sel->workload_count; i++)
        if (sel->workloads[i] == workload)
            return 0;
    if (sel->workload_count == MATRIX_MOST)
        return problem_set(problem, EXIT_USAGE, "more than %d workloads", MATRIX_MOST);
    sel->workloads[sel->workload_count++] = workload;
    return 0;
}

static bool carried(const struct selection *sel, const struct workload *workload)
{
    for (size_t i = 0; i < sel->choice_count; i++)
        if (!variant_lacks(sel->choices[i].strategy, sel->choices[i].variant, workload->need))
            return true;
    return false;
}

/* Every workload that one of the strategies carries; raw operations only where limits were named. */
static int add_all_workloads(struct selection *sel, struct problem *problem)
{
    bool none_yet = sel->choice_count == 0;
    for (const struct workload *const *w = workloads; *w; w++)
        if (!(*w)->errand && ((*w)->need != NEED_RAW || sel->limits_named) && (none_yet || carried(sel, *w)) &&
            add_workload(sel, *w, problem))
            return -1;
    return 0;
}

static int add_named_workload(struct selection *sel, const char *name, struct problem *problem)
{
    struct suggestion s = {.wrong = name};
    const struct workload *workload = workload_find(name);
    for (const struct workload *const *w = workloads; *w; w++)
        suggest_offer(&s, (*w)->name);
    if (strcmp(name, "all") == 0)
        return add_all_workloads(sel, problem);
    if (!workload)
        return unknown("workload", &s, problem);
    if (workload->errand)
        sel->errand = workload;
    return add_workload(sel, workload, problem);
}

/* --- numbers ----------------------------------------------------------------------------------------------------- */

typedef int parse_fn(const char *text, uint64_t *value, const char **why);

static int add_number(struct numbers *numbers, uint64_t value, struct problem *problem)
{
    for (size_t i = 0; i < numbers->count; i++)
        if (numbers->values[i] == value)
            return 0;
    if (numbers->count == MATRIX_MOST)
        return problem_set(problem, EXIT_USAGE, "a list of more than %d numbers", MATRIX_MOST);
    numbers->values[numbers->count++] = value;
    return 0;
}

/* What a list of numbers may hold: a word that stands for a number beside numbers in a range. */
struct range {
    const char *option;
    parse_fn *parse;
    const char *(*print)(char buffer[UNITS_TEXT], double value);
    uint64_t least, most;
    const char *word;
    uint64_t word_value;
    const char *word2;
    uint64_t word2_value;
};

static const char *print_plain(char buffer[UNITS_TEXT], double value)
{
    snprintf(buffer, UNITS_TEXT, "%.0f", value);
    return buffer;
}

static int out_of_range(const struct range *range, const char *text, struct problem *problem)
{
    char least[UNITS_TEXT], most[UNITS_TEXT];
    return problem_set(problem, EXIT_USAGE, "--%s: %s is out of range: %s to %s%s%s%s%s", range->option, text,
                       range->print(least, (double)range->least), range->print(most, (double)range->most),
                       range->word ? ", or " : "", range->word ? range->word : "", range->word2 ? ", or " : "",
                       range->word2 ? range->word2 : "");
}

static int add_text(struct numbers *numbers, const struct range *range, const char *text, struct problem *problem)
{
    uint64_t value;
    const char *why = NULL;
    if (range->word && strcmp(text, range->word) == 0)
        return add_number(numbers, range->word_value, problem);
    if (range->word2 && strcmp(text, range->word2) == 0)
        return add_number(numbers, range->word2_value, problem);
    if (range->parse(text, &value, &why))
        return problem_set(problem, EXIT_USAGE, "--%s: '%s' %s", range->option, text, why);
    if (value < range->least || value > range->most)
        return out_of_range(range, text, problem);
    return add_number(numbers, value, problem);
}

static int add_texts(struct numbers *numbers, const struct range *range, const struct text_list *list,
                     struct problem *problem)
{
    for (size_t i = 0; i < list->count; i++)
        if (add_text(numbers, range, list->items[i], problem))
            return -1;
    return 0;
}

static int default_workers(struct numbers *workers, const struct machine *machine, struct problem *problem)
{
    uint64_t cores = machine->cores < WORKERS_MAX ? machine->cores : WORKERS_MAX;
    for (uint64_t n = 1; n < cores; n *= 2)
        if (add_number(workers, n, problem))
            return -1;
    return add_number(workers, cores, problem);
}

/* An errand is done once, by as many as there are cores. */
static int usual_workers(struct selection *sel, const struct machine *machine, struct problem *problem)
{
    return sel->errand ? add_number(&sel->workers, machine->cores, problem)
                       : default_workers(&sel->workers, machine, problem);
}

static int read_numbers(struct selection *sel, const struct wanted *wanted, const struct machine *machine,
                        struct problem *problem)
{
    const struct range workers = {"workers", units_parse_count, print_plain, 1, WORKERS_MAX, "cores", machine->cores,
                                  "pus",     machine->count};
    const struct range chunks = {"chunk", units_parse_count, print_plain, 1, CHUNK_MOST, "auto", 0, NULL, 0};
    const struct range payloads = {"payload", units_parse_bytes, units_print_bytes, 1, 1 << 20, NULL, 0, NULL, 0};
    const struct range costs = {
        "item-cost", units_parse_duration, units_print_duration, 0, 100000000, NULL, 0, NULL, 0};
    if (add_texts(&sel->workers, &workers, &wanted->workers, problem) ||
        add_texts(&sel->chunks, &chunks, &wanted->chunks, problem) ||
        add_texts(&sel->payloads, &payloads, &wanted->payloads, problem) ||
        add_texts(&sel->costs, &costs, &wanted->costs, problem))
        return -1;
    if (sel->workers.count == 0 && usual_workers(sel, machine, problem))
        return -1;
    if (sel->chunks.count == 0 && (add_number(&sel->chunks, 1, problem) || add_number(&sel->chunks, 16, problem) ||
                                   add_number(&sel->chunks, 0, problem)))
        return -1;
    if (sel->payloads.count == 0 && add_number(&sel->payloads, 8, problem))
        return -1;
    return sel->costs.count == 0 ? add_number(&sel->costs, 0, problem) : 0;
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static int allocate(struct selection *sel, struct problem *problem)
{
    struct numbers *lists[] = {&sel->workers, &sel->chunks, &sel->payloads, &sel->costs};
    sel->choices = calloc(MATRIX_MOST, sizeof *sel->choices);
    sel->workloads = calloc(MATRIX_MOST, sizeof *sel->workloads);
    bool short_of = !sel->choices || !sel->workloads;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        lists[i]->values = calloc(MATRIX_MOST, sizeof *lists[i]->values);
        short_of |= !lists[i]->values;
    }
    return short_of ? problem_set(problem, EXIT_UNPROVED, "no memory for the selection") : 0;
}

/* Of an errand: the first whose workers stand ready and whose writes are seen at once. */
static int add_errands_strategy(struct selection *sel, struct problem *problem)
{
    for (const struct strategy *const *s = strategies; *s; s++)
        if ((*s)->role == ROLE_COMPARED && strcmp((*s)->variants[0].visible, "once acknowledged") == 0 &&
            !variant_lacks(*s, 0, sel->errand->need))
            return add_choice(sel, *s, 0, problem);
    return problem_set(problem, EXIT_USAGE, "no strategy carries %s", sel->errand->name);
}

/* Without a strategy named: those that carry one of the workloads named; limits only where nothing else does. */
static int add_default_strategies(struct selection *sel, struct problem *problem)
{
    if (sel->errand)
        return add_errands_strategy(sel, problem);
    for (const struct strategy *const *s = strategies; *s; s++)
        for (size_t i = 0; i < sel->workload_count; i++) {
            bool raw = sel->workloads[i]->need == NEED_RAW;
            if (!variant_lacks(*s, 0, sel->workloads[i]->need) && raw == ((*s)->role == ROLE_LIMITS) &&
                add_choice(sel, *s, 0, problem))
                return -1;
        }
    return sel->workload_count == 0 ? add_strategy(sel, "all", problem) : 0;
}

static int read_names(struct selection *sel, const struct wanted *wanted, struct problem *problem)
{
    for (size_t i = 0; i < wanted->strategies.count; i++)
        if (add_strategy(sel, wanted->strategies.items[i], problem))
            return -1;
    if (wanted->strategies.count == 0 && wanted->workloads.count == 0 && add_strategy(sel, "all", problem))
        return -1;
    for (size_t i = 0; i < wanted->workloads.count; i++)
        if (add_named_workload(sel, wanted->workloads.items[i], problem))
            return -1;
    if (sel->errand && sel->workload_count > 1)
        return problem_set(problem, EXIT_USAGE, "%s does something in the world: it is measured alone",
                           sel->errand->name);
    if (wanted->strategies.count == 0 && wanted->workloads.count > 0 && add_default_strategies(sel, problem))
        return -1;
    return wanted->workloads.count == 0 ? add_all_workloads(sel, problem) : 0;
}

int selection_make(struct selection *sel, const struct wanted *wanted, const struct machine *machine,
                   struct problem *problem)
{
    *sel = (struct selection){.standard = wanted->strategies.count == 0 && wanted->workloads.count == 0};
    if (allocate(sel, problem) == 0 && read_names(sel, wanted, problem) == 0 &&
        read_numbers(sel, wanted, machine, problem) == 0)
        return 0;
    selection_free(sel);
    return -1;
}

int selection_strategies(struct selection *sel, const struct text_list *names, struct problem *problem)
{
    *sel = (struct selection){.choices = NULL};
    int result = allocate(sel, problem);
    for (size_t i = 0; i < names->count && !result; i++)
        result = add_strategy(sel, names->items[i], problem);
    for (const struct strategy *const *s = strategies; *s && names->count == 0 && !result; s++)
        if ((*s)->role == ROLE_COMPARED)
            result = add_variants(sel, *s, "all", problem);
    if (result)
        selection_free(sel);
    return result;
}

static void forget_choice(struct selection *sel, size_t at)
{
    memmove(&sel->choices[at], &sel->choices[at + 1], (sel->choice_count - at - 1) * sizeof *sel->choices);
    sel->choice_count--;
}

static bool chosen_before(const struct selection *sel, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (sel->choices[i].strategy == sel->choices[at].strategy &&
            sel->choices[i].variant == sel->choices[at].variant)
            return true;
    return false;
}

int selection_by_address(struct selection *sel, const char *address, struct problem *problem)
{
    char scheme[16];
    bool any = false;
    snprintf(scheme, sizeof scheme, "%.*s", (int)strcspn(address, ":"), address);
    for (size_t i = 0; i < sel->choice_count;) {
        struct choice *choice = &sel->choices[i];
        int variant = choice->strategy->by_address ? variant_find(choice->strategy, scheme) : -1;
        choice->variant = variant >= 0 ? (unsigned)variant : choice->variant;
        any = any || choice->strategy->by_address;
        if (chosen_before(sel, i))
            forget_choice(sel, i);
        else
            i++;
    }
    return any ? 0 : problem_set(problem, EXIT_USAGE, "--manager: none of the selected strategies has a manager");
}

void selection_free(struct selection *sel)
{
    free(sel->choices);
    free(sel->workloads);
    free(sel->workers.values);
    free(sel->chunks.values);
    free(sel->payloads.values);
    free(sel->costs.values);
    *sel = (struct selection){.choices = NULL};
}

void wanted_free(struct wanted *wanted)
{
    text_list_free(&wanted->strategies);
    text_list_free(&wanted->workloads);
    text_list_free(&wanted->workers);
    text_list_free(&wanted->chunks);
    text_list_free(&wanted->payloads);
    text_list_free(&wanted->costs);
}
