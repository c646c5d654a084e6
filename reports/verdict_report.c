/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict_report.c - a judgement as a table, what is slower first, and as one line for scripts. */
#include "reports/verdict_report.h"

#include "reports/format.h"
#include "reports/table_parts.h"
#include "reports/verdict_parts.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMN_CELL,
    COLUMN_VERDICT,
    COLUMN_CHANGE,
    COLUMN_RANGE,
    COLUMN_BLOCKS,
    COLUMN_MARGIN,
    COLUMN_NEEDED,
    COLUMN_AGAIN,
    COLUMN_RANGE_AGAIN,
    COLUMN_P,
    COLUMN_LAG1,
};
/* Of a name that is cut, so much stays at least before its end. */
enum { NAME_LEAST = 12 };

static const char ALIGN[] = "llrlrrrrlrr";

bool judged_once(const struct finding *finding)
{
    return finding->doubt == DOUBT_UNCONFIRMED || (finding->verdict == VERDICT_SLOWER && !finding->confirmed);
}

struct judged_counts judged_count(const struct judgement *judgement)
{
    struct judged_counts counts = {0};
    for (size_t i = 0; i < judgement->count; i++) {
        const struct finding *finding = &judgement->findings[i];
        bool fault = finding->verdict == VERDICT_MISSING || finding->verdict == VERDICT_FAILED;
        counts.missing += finding->verdict == VERDICT_MISSING;
        counts.failed += finding->verdict == VERDICT_FAILED;
        if (fault || !judgement->judged)
            continue;
        counts.slower += finding->verdict == VERDICT_SLOWER;
        counts.once += judged_once(finding);
        counts.confirmed += finding->verdict == VERDICT_SLOWER && finding->confirmed;
        counts.faster += finding->verdict == VERDICT_FASTER;
        counts.equivalent += finding->verdict == VERDICT_EQUIVALENT;
        counts.inconclusive += finding->verdict == VERDICT_INCONCLUSIVE;
    }
    return counts;
}

const char *judged_overall(const struct judgement *judgement)
{
    const bool whole = judgement->overall != OVERALL_UNPROVED && judgement->overall != OVERALL_INCOMPARABLE;
    return judgement->judged || !whole ? overall_name(judgement->overall) : "unjudged";
}

double judged_floor(const struct judgement *judgement, size_t cell)
{
    return judgement->floors ? judgement->floors[cell] : NAN;
}

const char *judged_reason(const struct judgement *judgement, size_t cell)
{
    return judgement->reasons && judgement->reasons[cell] ? judgement->reasons[cell] : "";
}

/* Whether the word is one of the text's, which are parted by blanks. */
static bool has_word(const char *text, const char *word, size_t length)
{
    for (const char *at = text; *at; at += strspn(at, " ")) {
        size_t here = strcspn(at, " ");
        if (here == length && strncmp(at, word, length) == 0)
            return true;
        at += here;
    }
    return false;
}

/* Whether another cell of the same name has another value there. */
static bool is_telling(const struct judgement *judgement, const char *id, const char *word, size_t length)
{
    size_t name = strcspn(id, " ");
    for (size_t i = 0; i < judgement->count; i++) {
        const char *other = judgement->cells[i]->id;
        if (strncmp(other, id, name) == 0 && strcspn(other, " ") == name && !has_word(other, word, length))
            return true;
    }
    return false;
}

char *judged_name(char *text, size_t size, const struct judgement *judgement, size_t cell)
{
    const char *id = judgement->cells[cell]->id;
    size_t length = strcspn(id, " ");
    snprintf(text, size, "%.*s", (int)length, id);
    for (const char *at = id + length; *at; at += length) {
        at += strspn(at, " ");
        length = strcspn(at, " ");
        size_t used = strlen(text);
        if (length && is_telling(judgement, id, at, length))
            snprintf(text + used, size - used, " %.*s", (int)length, at);
    }
    return format_clean(text);
}

static int rank_of(const struct judgement *judgement, size_t cell)
{
    static const int ranks[] = {[VERDICT_SLOWER] = 0, [VERDICT_INCONCLUSIVE] = 2, [VERDICT_MISSING] = 3,
                                [VERDICT_FAILED] = 4, [VERDICT_FASTER] = 5,       [VERDICT_EQUIVALENT] = 6};
    const struct finding *finding = &judgement->findings[cell];
    if (!judgement->judged)
        return 0;
    return judged_once(finding) ? 1 : ranks[finding->verdict];
}

/* Within a verdict the slowest first, those without a ratio last; equivalents stay as they came. */
static double place_of(const struct judgement *judgement, size_t cell)
{
    const struct finding *finding = &judgement->findings[cell];
    if (!judgement->judged || finding->verdict == VERDICT_EQUIVALENT)
        return 0;
    return isnan(finding->ratio) ? -INFINITY : finding->ratio;
}

static int compare_cells(const void *left, const void *right, void *context)
{
    const struct judgement *judgement = context;
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    double place_a = place_of(judgement, a), place_b = place_of(judgement, b);
    int rank_a = rank_of(judgement, a), rank_b = rank_of(judgement, b);
    if (rank_a != rank_b)
        return rank_a < rank_b ? -1 : 1;
    if (place_a != place_b)
        return place_a > place_b ? -1 : 1;
    return a < b ? -1 : 1;
}

static const char *word_of(const struct judgement *judgement, const struct finding *finding)
{
    bool fault = finding->verdict == VERDICT_MISSING || finding->verdict == VERDICT_FAILED;
    if (!judgement->judged && !fault)
        return "";
    return judged_once(finding) ? "slower once" : verdict_name(finding->verdict);
}

static enum grid_paint paint_of(const struct finding *finding)
{
    if (finding->verdict == VERDICT_EQUIVALENT || finding->verdict == VERDICT_INCONCLUSIVE)
        return GRID_PLAIN;
    return finding->verdict == VERDICT_FASTER ? GRID_GOOD : GRID_BAD;
}

/* "[+4.6 +5.3]", aligned at its gap. */
static void put_range(struct grid *grid, size_t column, double low, double high)
{
    char text[FORMAT_SIZE], *gap = strchr(format_changes(text, low, high), ' ');
    if (gap)
        grid_put(grid, column, GRID_PLAIN, "%.*s\t%s", (int)(gap - text), text, gap);
}

/* What only a gate has. */
static void put_judged(struct grid *grid, const struct finding *finding)
{
    grid_put(grid, COLUMN_MARGIN, GRID_PLAIN, "%.3g %%", 100 * finding->margin);
    if (finding->needed == NEEDED_MOST)
        grid_put(grid, COLUMN_NEEDED, GRID_PLAIN, "many");
    else if (finding->needed)
        grid_put(grid, COLUMN_NEEDED, GRID_PLAIN, "%zu", finding->needed);
}

static void put_judged_wide(struct grid *grid, const struct finding *finding)
{
    char text[FORMAT_SIZE];
    grid_put(grid, COLUMN_AGAIN, GRID_PLAIN, "%s", format_change(text, finding->ratio_again));
    put_range(grid, COLUMN_RANGE_AGAIN, finding->low_again, finding->high_again);
    if (!isnan(finding->p_slower))
        grid_put(grid, COLUMN_P, GRID_FAINT, finding->p_slower < 0.001 ? "%.0e" : "%.3f", finding->p_slower);
}

/* The name in at most that many columns: what tells cells of one name apart stands at its end, and must be seen. */
static void put_name(struct grid *grid, const struct judgement *judgement, size_t cell, size_t most)
{
    char text[TABLE_NAME];
    judged_name(text, sizeof text, judgement, cell);
    const size_t head = strcspn(text, " "), length = strlen(text), end = length - head;
    const size_t front = most < end + NAME_LEAST ? NAME_LEAST : most - end - 1;
    if (format_width(text) <= most || !end || most < 2 * NAME_LEAST)
        grid_put(grid, COLUMN_CELL, GRID_PLAIN, "%s", text);
    else
        grid_put(grid, COLUMN_CELL, GRID_PLAIN, "%.*s…%s", (int)front, text, text + length - (most - front - 1));
}

static void put_row(struct grid *grid, const struct judgement *judgement, size_t cell, bool wide, size_t name_most)
{
    char text[TABLE_NAME];
    const struct finding *finding = &judgement->findings[cell];
    grid_row(grid);
    put_name(grid, judgement, cell, name_most);
    grid_put(grid, COLUMN_VERDICT, paint_of(finding), "%s", word_of(judgement, finding));
    if (finding->verdict == VERDICT_MISSING || finding->verdict == VERDICT_FAILED)
        return;
    grid_put(grid, COLUMN_CHANGE, GRID_PLAIN, "%s", format_change(text, finding->ratio));
    put_range(grid, COLUMN_RANGE, finding->low, finding->high);
    if (!finding->used && finding->spoiled)
        grid_put(grid, COLUMN_RANGE, GRID_PLAIN, "all spoiled");
    if (finding->spoiled)
        grid_put(grid, COLUMN_BLOCKS, GRID_PLAIN, "%zu\t (%zu)", finding->used, finding->spoiled);
    else
        grid_put(grid, COLUMN_BLOCKS, GRID_PLAIN, "%zu\t", finding->used);
    if (judgement->judged)
        put_judged(grid, finding);
    if (judgement->judged && wide)
        put_judged_wide(grid, finding);
    if (wide && !isnan(finding->lag1))
        grid_put(grid, COLUMN_LAG1, GRID_FAINT, "%+.2f", finding->lag1);
}

static void put_titles(struct grid *grid, const struct judgement *judgement, bool wide)
{
    bool again = false, needed = false;
    for (size_t i = 0; i < judgement->count; i++) {
        again |= !isnan(judgement->findings[i].ratio_again);
        needed |= judgement->findings[i].needed > 0;
    }
    grid_row(grid);
    grid_put(grid, COLUMN_CHANGE, GRID_FAINT, "time");
    grid_put(grid, COLUMN_RANGE, GRID_FAINT, "%.3g %% interval", 100 * judgement->criteria->confidence);
    grid_put(grid, COLUMN_BLOCKS, GRID_FAINT, "blocks");
    if (wide)
        grid_put(grid, COLUMN_LAG1, GRID_FAINT, "lag-1");
    if (!judgement->judged)
        return;
    grid_put(grid, COLUMN_MARGIN, GRID_FAINT, "margin");
    if (needed)
        grid_put(grid, COLUMN_NEEDED, GRID_FAINT, "needed");
    if (wide && again)
        grid_put(grid, COLUMN_AGAIN, GRID_FAINT, "again");
    if (wide)
        grid_put(grid, COLUMN_P, GRID_FAINT, "p");
}

static void write_side(FILE *out, const char *word, const struct judged_side *side, const struct report_style *style)
{
    char line[TABLE_LINE];
    bool said = side->version || side->commit;
    snprintf(line, sizeof line, "%-10s %s%s%s%s%s%s", word, side->name, said ? " (" : "",
             side->version ? side->version : "", side->version && side->commit ? ", " : "",
             side->commit ? side->commit : "", said ? ")" : "");
    format_wrap(out, line, style->columns, 11);
}

/* What all cells have in common. */
static void append_terms(char *text, size_t size, const struct judgement *judgement)
{
    const struct cell *first = judgement->count ? judgement->cells[0] : NULL;
    bool workers = first, chunk = first;
    char word[FORMAT_SIZE];
    for (size_t i = 1; i < judgement->count; i++) {
        workers &= judgement->cells[i]->workers == first->workers;
        chunk &= judgement->cells[i]->chunk == first->chunk;
    }
    if (workers)
        snprintf(text + strlen(text), size - strlen(text), " · %u worker%s", first->workers,
                 first->workers == 1 ? "" : "s");
    if (chunk)
        snprintf(text + strlen(text), size - strlen(text), " · chunk %s", format_chunk(word, first->chunk));
}

static void write_head(FILE *out, const struct judgement *judgement, const struct report_style *style)
{
    char machine[TABLE_LINE / 2], line[TABLE_LINE];
    const struct results *about = judgement->about;
    snprintf(line, sizeof line, "muster %s%s%s%s%s", judgement->kind, about ? " · " : "",
             about ? table_machine(machine, sizeof machine, &about->host) : "", about && about->idle ? " · idle: " : "",
             about && about->idle ? about->idle : "");
    format_wrap(out, line, style->columns, TABLE_INDENT);
    write_side(out, "base", &judgement->base, style);
    write_side(out, "candidate", &judgement->candidate, style);
    if (judgement->again.name)
        write_side(out, "again", &judgement->again, style);
    judged_differences(out, judgement, style);
    if (!judgement->count && judgement->difference_count)
        return;
    snprintf(line, sizeof line, "%zu cell%s", judgement->count, judgement->count == 1 ? "" : "s");
    append_terms(line, sizeof line, judgement);
    size_t used = strlen(line);
    snprintf(line + used, sizeof line - used, " · time per operation, candidate against base");
    fputc('\n', out);
    format_wrap(out, line, style->columns, TABLE_INDENT);
}

/* -1 when memory is short. */
static int fill(struct grid *grid, const struct judgement *judgement, const size_t *order, bool wide, size_t name_most)
{
    if (grid_open(grid, ALIGN) != 0)
        return -1;
    put_titles(grid, judgement, wide);
    for (size_t i = 0; i < judgement->count; i++)
        put_row(grid, judgement, order[i], wide, name_most);
    return 0;
}

/* Where it is narrow, what would decide gives way first, since a sentence tells it too; then names, in their middle. */
static int write_table(FILE *out, const struct judgement *judgement, const size_t *order,
                       const struct report_style *style)
{
    struct grid grid;
    const bool wide = style->columns >= TABLE_WIDE;
    if (!judgement->count && judgement->difference_count)
        return 0;
    if (fill(&grid, judgement, order, wide, SIZE_MAX))
        return -1;
    if (grid_least_width(&grid, TABLE_INDENT, SIZE_MAX) > style->columns) {
        grid.hidden[COLUMN_NEEDED] = true;
        const size_t room = grid_first_room(&grid, TABLE_INDENT, style->columns);
        grid_close(&grid);
        if (fill(&grid, judgement, order, wide, room))
            return -1;
        grid.hidden[COLUMN_NEEDED] = true;
    }
    int result = grid_write(out, &grid, TABLE_INDENT, style->columns, style->colour);
    grid_close(&grid);
    return result;
}

int verdict_print(FILE *out, const struct judgement *judgement, const struct report_style *asked)
{
    struct report_style style = *asked;
    style.columns = style.columns ? style.columns : 80;
    size_t *order = malloc((judgement->count + 1) * sizeof *order);
    if (!order) {
        errno = ENOMEM;
        return -1;
    }
    for (size_t i = 0; i < judgement->count; i++)
        order[i] = i;
    qsort_r(order, judgement->count, sizeof *order, compare_cells, (void *)judgement);
    write_head(out, judgement, &style);
    int result = write_table(out, judgement, order, &style);
    fputc('\n', out);
    if (judgement->count || !judgement->difference_count)
        judged_sentences(out, judgement, order, &style);
    judged_next(out, judgement, &style);
    verdict_print_line(out, judgement);
    if (fflush(out) != 0 || ferror(out))
        result = -1;
    free(order);
    return result;
}

static double widest_margin(const struct judgement *judgement)
{
    double most = judgement->criteria->margin;
    for (size_t i = 0; i < judgement->count && judgement->judged; i++)
        most = fmax(most, judgement->findings[i].margin);
    return most;
}

void verdict_print_line(FILE *out, const struct judgement *judgement)
{
    struct judged_counts counts = judged_count(judgement);
    fprintf(out,
            "VERDICT %s cells=%zu slower=%zu confirmed=%zu faster=%zu equivalent=%zu inconclusive=%zu missing=%zu "
            "failed=%zu margin=%.3g%% margin_most=%.3g%% slower_once=%zu%s%s\n",
            judged_overall(judgement), judgement->count, counts.slower, counts.confirmed, counts.faster,
            counts.equivalent, counts.inconclusive, counts.missing, counts.failed, 100 * judgement->criteria->margin,
            100 * widest_margin(judgement), counts.once, judgement->ended ? " ended=" : "",
            judgement->ended ? judgement->ended : "");
}
