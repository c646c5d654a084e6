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

/* How many cells a sentence names, and how many slower ones have one each; of the others the table says enough. */
enum { ALIKE_MOST = 6, SLOWER_APART = 3 };

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
    const enum doubt doubt = finding->doubt_again;
    const bool apart = doubt != DOUBT_NONE && doubt != DOUBT_WIDE;
    format_change(first, finding->ratio);
    format_changes(range, finding->low, finding->high);
    if (doubt == DOUBT_FEW) {
        say(out, style,
            "%s: slower at first, by %s %s; the second measurement %s (%zu of %zu blocks can be used, %zu are the "
            "least): not confirmed",
            name, first + 1, range, finding->spoiled_again ? "was spoiled" : "was too short", finding->used_again,
            finding->used_again + finding->spoiled_again, finding->needed_again);
        return;
    }
    format_change(again, finding->ratio_again);
    format_changes(range_again, finding->low_again, finding->high_again);
    say(out, style, "%s: slower at first, by %s %s, but %s%s%s when measured again%s%s: not confirmed", name, first + 1,
        range, again, *range_again ? " " : "", range_again, apart ? ", and " : "", apart ? doubt_name(doubt) : "");
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

/* --- cells of which the same is to be said ------------------------------------------------------------------------ */

/* Cells in the order of the table. */
struct alike {
    size_t cells[ALIKE_MOST]; /* the first of them */
    size_t count;             /* of all */
    size_t used_least, used_most, spoiled_most, needed_least, needed_most;
};

static bool is_fault(const struct finding *finding)
{
    return finding->verdict == VERDICT_MISSING || finding->verdict == VERDICT_FAILED;
}

/* Of two cells without a fault: of which kind their sentences are, nothing being said of SAID_NOTHING. */
enum said { SAID_NOTHING, SAID_CONFIRMED, SAID_NOT_AGAIN, SAID_DOUBT, SAID_NOT_SLOWER, SAID_NO_HELP, SAID_NEEDED };

static enum said kind_of(const struct finding *finding)
{
    if (judged_once(finding))
        return verdict_has_again(finding) ? SAID_NOT_AGAIN : SAID_NOTHING;
    if (finding->verdict == VERDICT_SLOWER)
        return SAID_CONFIRMED;
    if (finding->verdict != VERDICT_INCONCLUSIVE)
        return SAID_NOTHING;
    if (finding->doubt != DOUBT_WIDE)
        return SAID_DOUBT;
    if (finding->not_slower)
        return SAID_NOT_SLOWER;
    return finding->needed == NEEDED_MOST ? SAID_NO_HELP : SAID_NEEDED;
}

static bool is_said_alike(const struct judgement *judgement, size_t a, size_t b)
{
    const struct finding *one = &judgement->findings[a], *other = &judgement->findings[b];
    if (is_fault(one) || is_fault(other))
        return one->verdict == other->verdict && strcmp(judged_reason(judgement, a), judged_reason(judgement, b)) == 0;
    if (kind_of(one) != kind_of(other) || kind_of(one) != SAID_DOUBT)
        return kind_of(one) == kind_of(other);
    if (one->doubt == DOUBT_SENSITIVE && (one->sound != other->sound || one->with_spoiled != other->with_spoiled))
        return false;
    return one->doubt == other->doubt;
}

static void add_to(struct alike *alike, const struct finding *finding, size_t cell)
{
    if (alike->count < ALIKE_MOST)
        alike->cells[alike->count] = cell;
    if (!alike->count || finding->used < alike->used_least)
        alike->used_least = finding->used;
    if (!alike->count || finding->needed < alike->needed_least)
        alike->needed_least = finding->needed;
    alike->used_most = finding->used > alike->used_most ? finding->used : alike->used_most;
    alike->needed_most = finding->needed > alike->needed_most ? finding->needed : alike->needed_most;
    alike->spoiled_most = finding->spoiled > alike->spoiled_most ? finding->spoiled : alike->spoiled_most;
    alike->count++;
}

/* Those that are like order[at]; empty where an earlier one was, and said it. */
static struct alike those_like(const struct judgement *judgement, const size_t *order, size_t at)
{
    struct alike alike = {.count = 0};
    for (size_t i = 0; i < judgement->count; i++) {
        if (!is_said_alike(judgement, order[at], order[i]))
            continue;
        if (i < at)
            return alike;
        add_to(&alike, &judgement->findings[order[i]], order[i]);
    }
    return alike;
}

/* "a, b and 3 more"; "all 12 cells". Returns text. */
static char *names_of(char *text, size_t size, const struct judgement *judgement, const struct alike *alike)
{
    char name[TABLE_NAME];
    size_t shown = alike->count < ALIKE_MOST ? alike->count : ALIKE_MOST;
    if (alike->count == judgement->count && alike->count > 1) {
        if (alike->count == 2)
            snprintf(text, size, "both cells");
        else
            snprintf(text, size, "all %zu cells", alike->count);
        return text;
    }
    text[0] = '\0';
    for (size_t i = 0; i < shown; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                 judged_name(name, sizeof name, judgement, alike->cells[i]));
    }
    size_t used = strlen(text);
    if (alike->count > shown)
        snprintf(text + used, size - used, " and %zu more", alike->count - shown);
    return text;
}

/* "5", "5 to 7" */
static char *from_to(char text[FORMAT_SIZE], size_t least, size_t most)
{
    if (least == most)
        snprintf(text, FORMAT_SIZE, "%zu", least);
    else
        snprintf(text, FORMAT_SIZE, "%zu to %zu", least, most);
    return text;
}

/* A single cell's interval stands in the sentence, those of several in the table alone. */
static void say_doubt(FILE *out, const struct report_style *style, const char *names, const struct finding *finding,
                      const struct alike *alike)
{
    char range[TABLE_NAME] = "", blocks[FORMAT_SIZE], spoiled[FORMAT_SIZE + 40] = "";
    if (alike->count == 1)
        could_be(range, sizeof range, finding);
    if (finding->doubt == DOUBT_FEW && alike->spoiled_most)
        snprintf(spoiled, sizeof spoiled, ", beside %s%zu that were spoiled", alike->count > 1 ? "up to " : "",
                 alike->spoiled_most);
    if (finding->doubt == DOUBT_FEW)
        say(out, style, "%s: not resolved%s: %s, %s where %zu are the least%s", names, range, doubt_name(DOUBT_FEW),
            from_to(blocks, alike->used_least, alike->used_most), finding->needed, spoiled);
    else if (finding->doubt == DOUBT_NOISE)
        say(out, style, "%s: not resolved%s: %s, since only what is above %s would be called slower", names, range,
            doubt_name(DOUBT_NOISE), alike->count > 1 ? "the margin" : format_change(blocks, 1 + finding->margin));
    else if (finding->doubt == DOUBT_SENSITIVE)
        say(out, style, "%s: not resolved%s: %s without the spoiled blocks, %s with them", names, range,
            verdict_name(finding->sound), verdict_name(finding->with_spoiled));
    else
        say(out, style, "%s: not resolved%s: %s", names, range, doubt_name(finding->doubt));
}

static void say_wide(FILE *out, const struct report_style *style, const char *names, const struct finding *finding,
                     const struct alike *alike)
{
    char range[TABLE_NAME] = "", blocks[FORMAT_SIZE];
    if (alike->count == 1)
        could_be(range, sizeof range, finding);
    if (finding->not_slower)
        say(out, style, "%s: not slower than %s; more is not resolved%s", names,
            alike->count == 1 ? "its margin" : "their margins", range);
    else if (finding->needed == NEEDED_MOST)
        say(out, style, "%s: not resolved%s, and more blocks like these would not help", names, range);
    else
        say(out, style, "%s: not resolved%s; about %s blocks would decide", names, range,
            from_to(blocks, alike->needed_least, alike->needed_most));
}

/* Each for itself while they are few. */
static void say_slower(FILE *out, const struct judgement *judgement, const struct report_style *style,
                       const char *names, const struct alike *alike, bool confirmed)
{
    char name[TABLE_NAME];
    for (size_t i = 0; i < alike->count && alike->count <= SLOWER_APART; i++) {
        const struct finding *finding = &judgement->findings[alike->cells[i]];
        judged_name(name, sizeof name, judgement, alike->cells[i]);
        if (confirmed)
            say_confirmed(out, style, name, finding);
        else
            say_not_again(out, style, name, finding);
    }
    if (alike->count > SLOWER_APART)
        say(out, style, "%s: slower%s", names,
            confirmed ? ", and again in a second measurement"
                      : " at first, which the second measurement does not confirm");
}

static void say_alike(FILE *out, const struct judgement *judgement, const struct report_style *style,
                      const struct alike *alike)
{
    char names[ALIKE_MOST * TABLE_NAME];
    const struct finding *finding = &judgement->findings[alike->cells[0]];
    const char *reason = judged_reason(judgement, alike->cells[0]);
    names_of(names, sizeof names, judgement, alike);
    if (is_fault(finding))
        say(out, style, "%s: %s%s%s", verdict_name(finding->verdict), names, *reason ? ": " : "", reason);
    else if (!judgement->judged || kind_of(finding) == SAID_NOTHING)
        return;
    else if (kind_of(finding) == SAID_CONFIRMED || kind_of(finding) == SAID_NOT_AGAIN)
        say_slower(out, judgement, style, names, alike, kind_of(finding) == SAID_CONFIRMED);
    else if (finding->doubt == DOUBT_WIDE)
        say_wide(out, style, names, finding, alike);
    else
        say_doubt(out, style, names, finding, alike);
}

static void say_cells(FILE *out, const struct judgement *judgement, const size_t *order,
                      const struct report_style *style)
{
    for (size_t i = 0; i < judgement->count; i++) {
        struct alike alike = those_like(judgement, order, i);
        if (alike.count)
            say_alike(out, judgement, style, &alike);
    }
}

/* What hangs together is no independent witness. */
static void say_counted(FILE *out, const struct judgement *judgement, const size_t *order,
                        const struct report_style *style)
{
    char names[ALIKE_MOST * TABLE_NAME];
    struct alike alike = {.count = 0};
    for (size_t i = 0; i < judgement->count; i++) {
        const struct finding *finding = &judgement->findings[order[i]];
        if (finding->counted && finding->counted < finding->used)
            add_to(&alike, finding, order[i]);
    }
    if (alike.count)
        say(out, style, "%s: neighbouring blocks hang together, so each two were averaged and count as one",
            names_of(names, sizeof names, judgement, &alike));
}

/* Slower cells beyond the worst: one sentence for all of them. */
static void say_left(FILE *out, const struct judgement *judgement, const struct report_style *style)
{
    size_t left = 0, measured = 0;
    for (size_t i = 0; i < judgement->count; i++) {
        const struct finding *finding = &judgement->findings[i];
        measured += verdict_has_again(finding);
        left += judged_once(finding) && !verdict_has_again(finding);
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
        say(out, style, "not calibrated: run muster calibrate, so that margins know this machine's noise");
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
        say(out, style, "%zu block%s in brackets, spoiled from outside: left out%s", spoiled, spoiled == 1 ? "," : "s,",
            judgement->judged ? "; no verdict rests on it" : "");
    if (!judgement->judged)
        return;
    if (family > 1)
        say(out, style,
            family == 2 && judgement->count == 2
                ? "slower, faster: at most %.3g %% by chance over both cells together (Holm)"
                : "slower, faster: at most %.3g %% by chance over all %zu cells together (Holm)",
            100 * judgement->criteria->alpha, family);
    say_margins(out, judgement, style);
}

void judged_sentences(FILE *out, const struct judgement *judgement, const size_t *order,
                      const struct report_style *style)
{
    say_cells(out, judgement, order, style);
    if (judgement->judged) {
        say_left(out, judgement, style);
        say_counted(out, judgement, order, style);
    }
    say_terms(out, judgement, style);
    for (const char *const *note = judgement->notes; note && *note; note++)
        format_wrap(out, *note, style->columns, TABLE_INDENT);
}
