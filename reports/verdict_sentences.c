/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict_sentences.c - what a judgement's table cannot hold: the second measurement, reasons for doubt, what is
 * missing and why, and on what terms all of it was judged. */
#include "reports/verdict_parts.h"

#include "reports/format.h"
#include "reports/table_parts.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* The cells of one kind that get a sentence each; of the others the table says enough. */
enum { SENTENCES = 12 };

static void say(FILE *out, const struct report_style *style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(FILE *out, const struct report_style *style, const char *format, ...)
{
    char line[TABLE_LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    format_wrap(out, line, style->columns, TABLE_INDENT);
}

static void say_confirmed(FILE *out, const struct report_style *style, const char *name, const struct finding *finding)
{
    char first[FORMAT_SIZE], range[FORMAT_SIZE], again[FORMAT_SIZE], range_again[FORMAT_SIZE];
    format_change(first, finding->ratio);
    format_changes(range, finding->low, finding->high);
    format_change(again, finding->ratio_again);
    format_changes(range_again, finding->low_again, finding->high_again);
    if (*again)
        say(out, style, "%s: slower by %s %s, and again by %s %s in a second measurement", name, first + 1, range,
            again + 1, range_again);
    else
        say(out, style, "%s: slower by %s %s", name, first + 1, range);
}

static void say_not_again(FILE *out, const struct report_style *style, const char *name, const struct finding *finding)
{
    char first[FORMAT_SIZE], range[FORMAT_SIZE], again[FORMAT_SIZE], range_again[FORMAT_SIZE];
    say(out, style, "%s: slower at first, by %s %s, but %s %s when measured again: not confirmed", name,
        format_change(first, finding->ratio) + 1, format_changes(range, finding->low, finding->high),
        format_change(again, finding->ratio_again),
        format_changes(range_again, finding->low_again, finding->high_again));
}

/* " (could be -1.2 ... +4.0 %)", or nothing without an interval. */
static char *could_be(char *text, size_t size, const struct finding *finding)
{
    char low[FORMAT_SIZE], high[FORMAT_SIZE];
    text[0] = '\0';
    if (isnan(finding->low) || isnan(finding->high))
        return text;
    format_change(low, finding->low);
    low[strcspn(low, " ")] = '\0';
    snprintf(text, size, " (could be %s ... %s)", low, format_change(high, finding->high));
    return text;
}

static void say_unresolved(FILE *out, const struct report_style *style, const char *name, const struct finding *finding)
{
    char range[TABLE_NAME];
    could_be(range, sizeof range, finding);
    if (finding->doubt == DOUBT_FEW && finding->spoiled)
        say(out, style, "%s: not resolved%s: %s, %zu where %zu are the least, beside %zu that were spoiled", name,
            range, doubt_name(finding->doubt), finding->used, finding->needed, finding->spoiled);
    else if (finding->doubt == DOUBT_FEW)
        say(out, style, "%s: not resolved%s: %s, %zu where %zu are the least", name, range, doubt_name(finding->doubt),
            finding->used, finding->needed);
    else if (finding->doubt != DOUBT_WIDE)
        say(out, style, "%s: not resolved%s: %s", name, range, doubt_name(finding->doubt));
    else if (finding->not_slower)
        say(out, style, "%s: not slower than its margin; more is not resolved%s", name, range);
    else if (finding->needed == NEEDED_MOST)
        say(out, style, "%s: not resolved%s, and more blocks like these would not help", name, range);
    else
        say(out, style, "%s: not resolved%s; about %zu blocks would decide", name, range, finding->needed);
}

static void say_cell(FILE *out, const struct report_style *style, const char *name, const struct judgement *judgement,
                     size_t cell)
{
    const struct finding *finding = &judgement->findings[cell];
    const char *reason = judged_reason(judgement, cell);
    if (finding->verdict == VERDICT_MISSING || finding->verdict == VERDICT_FAILED)
        say(out, style, "%s: %s%s%s", verdict_name(finding->verdict), name, *reason ? ": " : "", reason);
    else if (!judgement->judged)
        return;
    else if (judged_once(finding) && !isnan(finding->ratio_again))
        say_not_again(out, style, name, finding);
    else if (finding->verdict == VERDICT_SLOWER && finding->confirmed)
        say_confirmed(out, style, name, finding);
    else if (finding->verdict == VERDICT_INCONCLUSIVE && !judged_once(finding))
        say_unresolved(out, style, name, finding);
}

static void say_cells(FILE *out, const struct judgement *judgement, const size_t *order,
                      const struct report_style *style)
{
    char name[TABLE_NAME];
    size_t unresolved = 0;
    for (size_t i = 0; i < judgement->count; i++) {
        const struct finding *finding = &judgement->findings[order[i]];
        unresolved += judgement->judged && finding->verdict == VERDICT_INCONCLUSIVE && !judged_once(finding);
        if (finding->verdict == VERDICT_INCONCLUSIVE && unresolved > SENTENCES)
            continue;
        say_cell(out, style, judged_name(name, sizeof name, judgement, order[i]), judgement, order[i]);
    }
    if (unresolved > SENTENCES)
        say(out, style, "and %zu more that are not resolved", unresolved - SENTENCES);
}

/* Slower cells beyond the worst: one sentence for all of them. */
static void say_left(FILE *out, const struct judgement *judgement, const struct report_style *style)
{
    size_t left = 0, measured = 0;
    for (size_t i = 0; i < judgement->count; i++) {
        const struct finding *finding = &judgement->findings[i];
        measured += !isnan(finding->ratio_again);
        left += judged_once(finding) && isnan(finding->ratio_again);
    }
    if (!left)
        return;
    if (measured)
        say(out, style,
            "slower once: %zu cell%s slower in the first measurement, and only the %zu worst are measured again", left,
            left == 1 ? " was" : "s were", judgement->criteria->confirm_cells);
    else
        say(out, style, "slower once: what was slower was not measured again, and is not confirmed");
}

static void say_margins(FILE *out, const struct judgement *judgement, const struct report_style *style)
{
    size_t calibrated = 0, compared = 0;
    double margin = 100 * judgement->criteria->margin;
    for (size_t i = 0; i < judgement->count; i++) {
        const struct finding *finding = &judgement->findings[i];
        bool fault = finding->verdict == VERDICT_MISSING || finding->verdict == VERDICT_FAILED;
        compared += !fault;
        calibrated += !fault && !isnan(judged_floor(judgement, i));
    }
    if (!calibrated)
        say(out, style, "not calibrated: run muster calibrate, and the margins will know this machine's noise");
    else if (calibrated < compared)
        say(out, style,
            "margins: %.3g %%, or %.3g × the cell's noise floor where that is more; %zu of %zu cells are "
            "calibrated (muster calibrate)",
            margin, FLOOR_FACTOR, calibrated, compared);
    else
        say(out, style, "margins: %.3g %%, or %.3g × the cell's noise floor, as calibrated here, where that is more",
            margin, FLOOR_FACTOR);
}

static void say_terms(FILE *out, const struct judgement *judgement, const struct report_style *style)
{
    size_t family = 0, spoiled = 0;
    for (size_t i = 0; i < judgement->count; i++) {
        family += !isnan(judgement->findings[i].p_slower);
        spoiled += judgement->findings[i].spoiled;
    }
    if (spoiled)
        say(out, style, "%zu block%s in brackets, spoiled by what surrounded %s: left out%s", spoiled,
            spoiled == 1 ? "," : "s,", spoiled == 1 ? "it" : "them",
            judgement->judged ? ", and no verdict rests on that" : "");
    if (!judgement->judged)
        return;
    if (family > 1)
        say(out, style, "slower, faster: at most %.3g %% by chance over all %zu cells together (Holm)",
            100 * judgement->criteria->alpha, family);
    say_margins(out, judgement, style);
}

void judged_sentences(FILE *out, const struct judgement *judgement, const size_t *order,
                      const struct report_style *style)
{
    say_cells(out, judgement, order, style);
    if (judgement->judged)
        say_left(out, judgement, style);
    say_terms(out, judgement, style);
    for (const char *const *note = judgement->notes; note && *note; note++)
        format_wrap(out, *note, style->columns, TABLE_INDENT);
}
