/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_verdict_report.c - a judgement as people and scripts get it: tables against tests/golden, the last line, and
 * verdict.json against its schema.
 *
 * UPDATE=1 in the environment writes the golden files anew; look at the difference before you keep it. */
#include "tests/frame.h"

#include "reports/format.h"
#include "reports/verdict_report.h"
#include "tests/made_judgement.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What is printed, freed by the caller. */
static char *printed(const struct judgement *judgement, unsigned columns, bool colour)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_EQUAL(verdict_print(out, judgement, &(struct report_style){.columns = columns, .colour = colour}), 0);
    fclose(out);
    return text;
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t room = 0;
    char *text = NULL;

    if (file && getdelim(&text, &room, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

static void compare_golden(const char *text, const char *name)
{
    if (getenv("UPDATE")) {
        FILE *file = fopen(frame_source(name), "we");
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        fputs(text, file);
        fclose(file);
    }
    char *expected = read_whole(frame_source(name));
    CU_ASSERT_PTR_NOT_NULL_FATAL(expected);
    CU_ASSERT_STRING_EQUAL(text, expected);
    free(expected);
}

static void golden_tables(void)
{
    static const struct {
        unsigned columns;
        const char *name;
    } known[] = {{80, "tests/golden/verdict-80.txt"}, {140, "tests/golden/verdict-140.txt"}};

    for (size_t i = 0; i < COUNT(known); i++) {
        char *text = printed(&sample()->judgement, known[i].columns, false), *next = text;
        compare_golden(text, known[i].name);
        for (char *line = strsep(&next, "\n"); line; line = strsep(&next, "\n"))
            if (strncmp(line, "VERDICT ", 8) != 0) /* for scripts: it is never broken */
                CU_ASSERT(format_width(line) <= known[i].columns);
        free(text);
    }
}

static void last_line(const struct judgement *judgement, const char *expected)
{
    char *text = printed(judgement, 80, false), *line = strstr(text, "VERDICT ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    CU_ASSERT_STRING_EQUAL(line, expected);
    free(text);
}

static void last_lines(void)
{
    struct sample *s = sample();
    last_line(&s->judgement, "VERDICT unproved cells=12 slower=1 confirmed=1 faster=1 equivalent=2 inconclusive=6 "
                             "missing=1 failed=1 margin=2% margin_most=3.75% slower_once=2\n");
    s->judgement.count = 2;
    s->judgement.overall = verdict_overall(s->findings, 2);
    last_line(&s->judgement, "VERDICT regression cells=2 slower=1 confirmed=1 faster=0 equivalent=1 inconclusive=0 "
                             "missing=0 failed=0 margin=2% margin_most=2% slower_once=0\n");
    s->judgement.judged = false;
    last_line(&s->judgement, "VERDICT unjudged cells=2 slower=0 confirmed=0 faster=0 equivalent=0 inconclusive=0 "
                             "missing=0 failed=0 margin=2% margin_most=2% slower_once=0\n");
}

static void expect(const struct judgement *judgement, const char *part, bool there)
{
    char *text = printed(judgement, 200, false);
    CU_ASSERT_EQUAL(strstr(text, part) != NULL, there);
    if ((strstr(text, part) != NULL) != there)
        printf("    %s:\n%s", part, text);
    free(text);
}

static void margins_are_told(void)
{
    struct sample *s = sample();
    expect(&s->judgement, "1 of 10 cells are calibrated", true);
    for (size_t i = 0; i < CELLS; i++)
        s->floors[i] = 0.004;
    expect(&s->judgement, "as calibrated here", true);
    s->judgement.floors = NULL;
    expect(&s->judgement, "not calibrated: run muster calibrate", true);
}

/* Only what tells cells of one name apart stands beside the name. */
static void names_are_short(void)
{
    struct sample *s = sample();
    expect(&s->judgement, "map/fork-pool  ", true);
    s->cells[1].id = "map/fork-pool w=2 c=16 p=cores i=0 b=8";
    s->cells[1].chunk = 16;
    expect(&s->judgement, "map/fork-pool c=1 ", true);
    expect(&s->judgement, "map/fork-pool c=16 ", true);
    expect(&s->judgement, "chunk 1 ", false);
    expect(&s->judgement, "2 workers", true);
    s->cells[2].id = "map/fork-pool w=2 c=16 p=cores i=0 b=8 idle=natural";
    expect(&s->judgement, "map/fork-pool c=16 idle=natural ", true);
}

/* What tells two cells apart is not cut off; what would decide stands in a sentence, too. */
static void narrow_ones_are_told_apart(void)
{
    struct sample *s = sample();
    s->cells[5].id = "counter/prefork-pipe:with-a-long-variant w=1 c=1 p=cores i=0 b=0";
    s->cells[6].id = "counter/prefork-pipe:with-a-long-variant w=2 c=1 p=cores i=0 b=0";
    char *text = printed(&s->judgement, 80, false);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "… w=1 "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "… w=2 "));
    CU_ASSERT_PTR_NULL(strstr(text, "needed"));
    free(text);
}

static void ratios_alone(void)
{
    struct sample *s = sample();
    s->judgement.judged = false;
    expect(&s->judgement, "map/fork-pool", true);
    expect(&s->judgement, "+4.9 %", true);
    expect(&s->judgement, "missing: list/fork-pool: the base does not know it", true);
    expect(&s->judgement, "slower ", false);
    expect(&s->judgement, "not resolved", false);
    expect(&s->judgement, "margin ", false);
    expect(&s->judgement, "calibrate", false);
}

static void spoiled_ones_are_told(void)
{
    struct sample *s = sample();
    expect(&s->judgement, "12 blocks, in brackets, spoiled from outside: left out; no verdict rests on it", true);
    s->findings[7].spoiled = 14;
    expect(&s->judgement, "too few blocks, 3 where 12 are the least, beside 14 that were spoiled", true);
    for (size_t i = 0; i < CELLS; i++)
        s->findings[i].spoiled = i == 11;
    expect(&s->judgement, "1 block, in brackets, spoiled from outside", true);
    s->findings[5] = doubted(DOUBT_SENSITIVE, 3, 2.5, 4);
    s->findings[5].sound = VERDICT_SLOWER;
    expect(&s->judgement, "+4.0 %): slower without the spoiled blocks, inconclusive with them", true);
}

/* Why a second measurement confirms nothing is not left to the reader. */
static void second_ones_have_reasons(void)
{
    struct sample *s = sample();
    struct finding *finding = &s->findings[2];
    finding->doubt_again = DOUBT_FEW;
    finding->used_again = 3;
    finding->spoiled_again = 17;
    finding->needed_again = 12;
    expect(&s->judgement, "but ", false);
    expect(&s->judgement,
           "; the second measurement was spoiled (3 of 20 blocks can be used, 12 are the least): not confirmed", true);
    finding->used_again = 0; /* nothing can be used, and so there is no ratio */
    finding->ratio_again = finding->low_again = finding->high_again = NAN;
    expect(&s->judgement, "(0 of 17 blocks can be used", true);
    json_t *json = verdict_to_json(&s->judgement);
    const char *doubt = "";
    int used, spoiled;
    json_t *second = json_array_get(json_object_get(json, "findings"), 2);
    CU_ASSERT_EQUAL(
        json_unpack(second, "{s:{s:i, s:i, s:s}}", "again", "used", &used, "spoiled", &spoiled, "doubt", &doubt), 0);
    CU_ASSERT(used == 0 && spoiled == 17 && strcmp(doubt, "few") == 0);
    json_decref(json);
    again(finding, 8, 1, 15);
    finding->doubt_again = DOUBT_ORDER;
    expect(&s->judgement, "when measured again, and which side came first matters more than the margin: not confirmed",
           true);
}

/* A machine on which nothing can be told needs few words for it. */
static void one_doubt_is_one_sentence(void)
{
    struct sample *s = sample();
    unsigned lines = 0;
    for (size_t i = 0; i < CELLS; i++) {
        s->findings[i] = doubted(DOUBT_FEW, 1.2, -1.2, 4);
        s->findings[i].used = 4 + i % 2;
        s->findings[i].spoiled = 7;
        s->findings[i].needed = 12;
    }
    char *text = printed(&s->judgement, 80, false);
    for (const char *at = strstr(text, "\n\nall 12 cells"); at && *at; at++)
        lines += *at == '\n';
    CU_ASSERT(lines > 3 && lines <= 12);
    free(text);
    expect(&s->judgement,
           "all 12 cells: not resolved: too few blocks, 4 to 5 where 12 are the least, beside up to 7 that", true);
    s->findings[0] = s->findings[1] = doubted(DOUBT_NOISE, 1.2, -1.2, 4);
    expect(&s->judgement, "map/fork-pool, map/prefork-pipe: not resolved: the noise here is too much for a verdict",
           true);
    s->findings[1] = doubted(DOUBT_ORDER, 1.2, -1.2, 4);
    s->findings[0].margin = 0.45;
    expect(&s->judgement, "only what is above +45.0 % would be called slower", true);
    expect(&s->judgement, "margin=2% margin_most=45%", true);
}

/* What was averaged does not count in full, and that is told. */
static void averaged_ones_are_told(void)
{
    struct sample *s = sample();
    expect(&s->judgement, "averaged", false);
    s->findings[0].counted = s->findings[0].used / 2;
    s->findings[1].counted = s->findings[1].used;
    expect(&s->judgement, "map/fork-pool: neighbouring blocks hang together, so each two were averaged", true);
}

static void many_are_cut_short(void)
{
    static struct finding findings[40];
    static const struct cell *cells[40];
    struct sample *s = sample();

    for (size_t i = 0; i < COUNT(findings); i++) {
        findings[i] = s->findings[4];
        cells[i] = s->pointers[4];
    }
    s->judgement.findings = findings;
    s->judgement.cells = cells;
    s->judgement.count = COUNT(findings);
    s->judgement.reasons = NULL;
    s->judgement.floors = NULL;
    expect(&s->judgement, "all 40 cells: not resolved; about 120 blocks would decide", true);
    findings[0] = s->findings[11];
    expect(&s->judgement, "counter/fork-pool and 33 more: not resolved; about 120 blocks", true);
    s->judgement.count = 0; /* nothing to compare is still told */
    expect(&s->judgement, "0 cells", true);
}

static void colours_and_full_disks(void)
{
    struct sample *s = sample();
    char *text = printed(&s->judgement, 80, true);
    FILE *full = fopen("/dev/full", "we");

    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\033[1;31mslower\033[0m"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\033[1;32mfaster\033[0m"));
    free(text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(full);
    setvbuf(full, NULL, _IONBF, 0);
    CU_ASSERT_EQUAL(verdict_print(full, &s->judgement, &(struct report_style){.columns = 80}), -1);
    fclose(full);
}

static const json_t *resolve(const json_t *schema, const json_t *here)
{
    const char *to = json_string_value(json_object_get(here, "$ref"));
    return to ? json_object_get(json_object_get(schema, "$defs"), strrchr(to, '/') + 1) : here;
}

static bool is_among(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value))
            return true;
    return false;
}

/* As much of JSON Schema as this one uses; prints the names of what breaks it. */
static bool agrees(const json_t *schema, const json_t *unresolved, json_t *value, const char *name)
{
    const json_t *here = resolve(schema, unresolved), *properties = json_object_get(here, "properties");
    const char *type = json_string_value(json_object_get(here, "type")), *key;
    json_t *member;
    bool right = !type || (strcmp(type, "object") == 0    ? json_is_object(value)
                           : strcmp(type, "array") == 0   ? json_is_array(value)
                           : strcmp(type, "string") == 0  ? json_is_string(value)
                           : strcmp(type, "boolean") == 0 ? json_is_boolean(value)
                           : strcmp(type, "integer") == 0 ? json_is_integer(value)
                                                          : json_is_number(value));
    if (json_object_get(here, "enum"))
        right &= is_among(json_object_get(here, "enum"), value);
    if (json_object_get(here, "const"))
        right &= json_equal(json_object_get(here, "const"), value);
    for (size_t i = 0; i < json_array_size(json_object_get(here, "required")); i++)
        right &=
            json_object_get(value, json_string_value(json_array_get(json_object_get(here, "required"), i))) != NULL;
    json_object_foreach(value, key, member)
    {
        const json_t *below = json_object_get(properties, key);
        if (below)
            right &= agrees(schema, below, member, key);
        else if (json_is_false(json_object_get(here, "additionalProperties")))
            right = printf("    %s is not in the schema\n", key) < 0;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        right &= agrees(schema, json_object_get(here, "items"), json_array_get(value, i), name);
    if (!right)
        printf("    %s is not as the schema has it\n", name);
    return right;
}

static void json_agrees_with_schema(void)
{
    struct sample *s = sample();
    json_t *schema = json_load_file(frame_source("reports/verdict.schema.json"), JSON_REJECT_DUPLICATES, NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    for (int judged = 0; judged < 2; judged++) {
        static const struct difference difference = {
            .group = GROUP_KERNEL, .hard = true, .name = "kernel", .base = "6.18", .candidate = "6.1"};
        s->judgement.judged = judged;
        s->judgement.differences = judged ? &difference : NULL;
        s->judgement.difference_count = judged;
        json_t *json = verdict_to_json(&s->judgement);
        CU_ASSERT_PTR_NOT_NULL_FATAL(json);
        CU_ASSERT_TRUE(agrees(schema, schema, json, "verdict.json"));
        json_decref(json);
    }
    json_decref(schema);
}

static void json_is_written(void)
{
    struct sample *s = sample();
    struct report_error error;
    const char *name, *doubt;
    double ratio, again_low;
    int used, slower, needed;
    char path[512];

    snprintf(path, sizeof path, "%s/verdict.json", frame_folder());
    s->cells[0].id = "map/\xff w=2"; /* file names may be such */
    CU_ASSERT_EQUAL_FATAL(verdict_write(&s->judgement, frame_folder(), &error), 0);
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    CU_ASSERT_EQUAL(json_unpack(json, "{s:s, s:{s:i}, s:[{s:s, s:F, s:i, s:{s:F}}, {}, {}, {}, {s:s, s:i}]}", "verdict",
                                &name, "counts", "slower", &slower, "findings", "id", &doubt, "ratio", &ratio, "used",
                                &used, "again", "low", &again_low, "doubt", &doubt, "needed", &needed),
                    0);
    CU_ASSERT_STRING_EQUAL(name, "unproved");
    CU_ASSERT_STRING_EQUAL(doubt, "wide");
    CU_ASSERT_DOUBLE_EQUAL(ratio, 1.049, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(again_low, 1.045, 1e-9);
    CU_ASSERT(used == 48 && slower == 1 && needed == 120);
    CU_ASSERT_PTR_NULL(json_object_get(json_object_get(json, "machine"), "topology_xml"));
    json_decref(json);
    CU_ASSERT_EQUAL(verdict_write(&s->judgement, path, &error), -1);
    CU_ASSERT_EQUAL(error.code, 73);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "verdict.json/verdict.json"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"verdict report: tables", golden_tables, 0},
        {"verdict report: the last line", last_lines, 0},
        {"verdict report: where margins come from", margins_are_told, 0},
        {"verdict report: short names", names_are_short, 0},
        {"verdict report: narrow", narrow_ones_are_told_apart, 0},
        {"verdict report: ratios without a gate", ratios_alone, 0},
        {"verdict report: spoiled blocks", spoiled_ones_are_told, 0},
        {"verdict report: second measurements have reasons", second_ones_have_reasons, 0},
        {"verdict report: one doubt is one sentence", one_doubt_is_one_sentence, 0},
        {"verdict report: averaged neighbours", averaged_ones_are_told, 0},
        {"verdict report: many unresolved cells", many_are_cut_short, 0},
        {"verdict report: colours, and a full disk", colours_and_full_disks, 0},
        {"verdict report: verdict.json and its schema", json_agrees_with_schema, 0},
        {"verdict report: verdict.json is written", json_is_written, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
