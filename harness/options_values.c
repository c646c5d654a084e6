/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * options_values.c - how the value of an option is read, one function per kind of value.
 *
 * Each error names the option by its long name, quotes what was typed, and says what would do. */
#include "harness/options.h"
#include "harness/suggest.h"
#include "harness/units.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int options_flag(const struct option_spec *spec, const char *text, struct problem *problem)
{
    (void)text;
    (void)problem;
    *(bool *)spec->target = true;
    return 0;
}

int options_text(const struct option_spec *spec, const char *text, struct problem *problem)
{
    if (*text == '\0')
        return problem_set(problem, EXIT_USAGE, "--%s: the value is empty", spec->name);
    *(const char **)spec->target = text;
    return 0;
}

/* How one kind of number is read, and how its limits are shown. */
struct quantity {
    int (*parse)(const char *text, uint64_t *value, const char **why);
    const char *(*print)(char buffer[UNITS_TEXT], double value); /* NULL: plain digits */
    const char *wanted;                                          /* where there is a least value and no highest one */
};

static const struct quantity quantity_count = {
    .parse = units_parse_count, .print = NULL, .wanted = "a number of at least"};
static const struct quantity quantity_bytes = {
    .parse = units_parse_bytes, .print = units_print_bytes, .wanted = "at least"};
static const struct quantity quantity_duration = {
    .parse = units_parse_duration, .print = units_print_duration, .wanted = "a duration such as 30s, of at least"};

static const struct quantity quantity_share = {
    .parse = units_parse_share, .print = units_print_share, .wanted = "a percentage of at least"};

static const char *options_limit(const struct quantity *quantity, uint64_t limit, char buffer[UNITS_TEXT])
{
    if (quantity->print != NULL)
        return quantity->print(buffer, (double)limit);
    snprintf(buffer, UNITS_TEXT, "%" PRIu64, limit);
    return buffer;
}

static int options_quantity(const struct option_spec *spec, const char *text, const struct quantity *quantity,
                            uint64_t *value, struct problem *problem)
{
    char least[UNITS_TEXT], most[UNITS_TEXT];
    const char *why;

    if (quantity->parse(text, value, &why) != 0)
        return problem_set(problem, EXIT_USAGE, "--%s: '%s' %s", spec->name, text, why);
    if (*value >= spec->min && (spec->max == 0 || *value <= spec->max))
        return 0;
    options_limit(quantity, spec->min, least);
    if (spec->max == 0)
        return problem_set(problem, EXIT_USAGE, "--%s: '%s' is too little; it takes %s %s", spec->name, text,
                           quantity->wanted, least);
    return problem_set(problem, EXIT_USAGE, "--%s: '%s' is out of range, %s to %s", spec->name, text, least,
                       options_limit(quantity, spec->max, most));
}

/* The target keeps its value when the text is refused. */
static int options_number64(const struct option_spec *spec, const char *text, const struct quantity *quantity,
                            struct problem *problem)
{
    uint64_t value;

    if (options_quantity(spec, text, quantity, &value, problem) != 0)
        return -1;
    *(uint64_t *)spec->target = value;
    return 0;
}

int options_count(const struct option_spec *spec, const char *text, struct problem *problem)
{
    return options_number64(spec, text, &quantity_count, problem);
}

int options_bytes(const struct option_spec *spec, const char *text, struct problem *problem)
{
    return options_number64(spec, text, &quantity_bytes, problem);
}

int options_duration(const struct option_spec *spec, const char *text, struct problem *problem)
{
    return options_number64(spec, text, &quantity_duration, problem);
}

int options_percent(const struct option_spec *spec, const char *text, struct problem *problem)
{
    uint64_t share;

    if (options_quantity(spec, text, &quantity_share, &share, problem) != 0)
        return -1;
    *(double *)spec->target = (double)share / (100 * UNITS_PERCENT);
    return 0;
}

int options_unsigned(const struct option_spec *spec, const char *text, struct problem *problem)
{
    struct option_spec bounded = *spec;
    uint64_t value;

    if (bounded.max == 0 || bounded.max > UINT_MAX)
        bounded.max = UINT_MAX;
    if (options_quantity(&bounded, text, &quantity_count, &value, problem) != 0)
        return -1;
    *(unsigned *)spec->target = (unsigned)value;
    return 0;
}

int options_choice(const struct option_spec *spec, const char *text, struct problem *problem)
{
    struct suggestion suggestion = {.wrong = text};
    char all[128];
    size_t used = 0;

    for (int i = 0; spec->choices[i] != NULL; i++) {
        if (strcmp(spec->choices[i], text) == 0) {
            *(int *)spec->target = i;
            return 0;
        }
        suggest_offer(&suggestion, spec->choices[i]);
        if (used < sizeof all)
            used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "", spec->choices[i]);
    }
    if (suggestion.nearest != NULL)
        return problem_set(problem, EXIT_USAGE, "--%s: unknown '%s'%s", spec->name, text, suggest_clause(&suggestion));
    return problem_set(problem, EXIT_USAGE, "--%s: unknown '%s'; there are %s", spec->name, text, all);
}

int text_list_split(struct text_list *list, const char *text, const char **why)
{
    size_t count = 1;

    *list = (struct text_list){.items = NULL};
    for (const char *c = text; *c != '\0'; c++)
        count += *c == ',';
    list->items = calloc(count, sizeof *list->items);
    for (; list->items != NULL && list->count < count; list->count++) {
        size_t length = strcspn(text, ",");

        if (length == 0) {
            *why = "has an empty entry";
            goto free_list;
        }
        list->items[list->count] = strndup(text, length);
        if (list->items[list->count] == NULL)
            break;
        text += length + (text[length] == ',');
    }
    if (list->count == count)
        return 0;
    *why = "does not fit in memory";
free_list:
    text_list_free(list);
    return -1;
}

void text_list_free(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct text_list){.items = NULL};
}

int options_list(const struct option_spec *spec, const char *text, struct problem *problem)
{
    struct text_list list;
    const char *why;

    if (text_list_split(&list, text, &why) != 0)
        return problem_set(problem, EXIT_USAGE, "--%s: '%s' %s", spec->name, text, why);
    text_list_free(spec->target);
    *(struct text_list *)spec->target = list;
    return 0;
}
