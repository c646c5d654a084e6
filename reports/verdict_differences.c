/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict_differences.c - in what the two machines, builds and terms differ: for people a line or three each, for
 * programs all of it. */
#include "reports/verdict_parts.h"

#include "reports/fields.h"
#include "reports/format.h"
#include "reports/table_parts.h"

#include <string.h>

static const char *group_name(enum group group)
{
    switch (group) {
    case GROUP_CPU:
        return "cpu";
    case GROUP_KERNEL:
        return "kernel";
    case GROUP_CODE:
        return "code";
    default:
        return "terms";
    }
}

static bool is_declared(const struct judgement *judgement, const struct difference *difference)
{
    return (difference->group & judgement->declared & ~(unsigned)GROUP_TERMS) != 0;
}

/* Short ones in a line, others below each other. */
static void say_one(FILE *out, const struct difference *difference, const struct report_style *style)
{
    char line[TABLE_LINE];
    if (strlen(difference->name) + strlen(difference->base) + strlen(difference->candidate) + 20 < style->columns) {
        snprintf(line, sizeof line, "  %s: %s, then %s", difference->name, difference->base, difference->candidate);
        format_wrap(out, line, style->columns, 2 * TABLE_INDENT);
        return;
    }
    snprintf(line, sizeof line, "  %s:", difference->name);
    format_wrap(out, line, style->columns, 2 * TABLE_INDENT);
    snprintf(line, sizeof line, "    base       %s", difference->base);
    format_wrap(out, line, style->columns, strlen("    base       "));
    snprintf(line, sizeof line, "    candidate  %s", difference->candidate);
    format_wrap(out, line, style->columns, strlen("    candidate  "));
}

enum kind { KIND_FORBIDS, KIND_DECLARED, KIND_TOLD };

static enum kind kind_of(const struct judgement *judgement, const struct difference *difference)
{
    if (!difference->hard)
        return KIND_TOLD;
    return is_declared(judgement, difference) ? KIND_DECLARED : KIND_FORBIDS;
}

void judged_differences(FILE *out, const struct judgement *judgement, const struct report_style *style)
{
    static const char *const headings[] = {
        [KIND_FORBIDS] = "These differ, so the two cannot be compared:",
        [KIND_DECLARED] = "These differ, as declared:",
        [KIND_TOLD] = "Other things that differ:",
    };
    for (enum kind kind = KIND_FORBIDS; kind <= KIND_TOLD; kind++) {
        bool begun = false;
        for (size_t i = 0; i < judgement->difference_count; i++) {
            if (kind_of(judgement, &judgement->differences[i]) != kind)
                continue;
            if (!begun)
                fprintf(out, "\n%s\n", headings[kind]);
            begun = true;
            say_one(out, &judgement->differences[i], style);
        }
    }
}

json_t *judged_differences_to_json(const struct judgement *judgement)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < judgement->difference_count; i++) {
        const struct difference *difference = &judgement->differences[i];
        json_t *object =
            json_pack("{s:s, s:b, s:b, s:s}", "group", group_name(difference->group), "hard", difference->hard,
                      "declared", is_declared(judgement, difference), "name", difference->name);
        if (json_object_set_new(object, "base", fields_text(difference->base)) ||
            json_object_set_new(object, "candidate", fields_text(difference->candidate)) ||
            json_array_append_new(array, object)) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}
