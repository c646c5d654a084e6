/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_duet_file.c - a duet's file: written and read back, cut, falsified, held against its schema; what a pair says,
 * and when it says nothing.
 *
 * The duet is made here; falsified files differ from its own in one place, which the error must name. */
#include "tests/frame.h"

#include "reports/duet.h"
#include "reports/duet_fields.h"
#include "reports/verdict.h"

#include <CUnit/CUnit.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CELLS = 2, PAIRS = 3, WINDOWS = 2, CUT_STEP = 61 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct cell a_cell(const char *id, const char *better)
{
    return (struct cell){
        .id = strdup(id),
        .workload = strdup("map"),
        .strategy = strdup("any"),
        .variant = strdup("own"),
        .workers = 2,
        .chunk = 1,
        .placement = strdup("cores"),
        .service_pu = -1,
        .idle = strdup("poll"),
        .status = CELL_NA, /* not kept: each side has a status of its own */
        .ranked = true,
        .metric = strdup("throughput"),
        .unit = strdup("items/s"),
        .better = strdup(better),
        .item_cost_ns = 0,
        .value = 1,
        .ci_low = NAN,
        .ci_high = NAN,
        .confidence = NAN,
    };
}

static struct trial an_arm(double value)
{
    struct trial trial = {.window_s = 0.02, .windows = calloc(WINDOWS, sizeof(double)), .window_count = WINDOWS};
    CU_ASSERT_PTR_NOT_NULL_FATAL(trial.windows);
    trial.windows[0] = value - 1;
    trial.windows[1] = value + 1;
    trial.value = value;
    trial.costs = (struct costs){.workers_cpu_s = 0.5, .service_cpu_s = NAN, .run_delay_s = NAN};
    return trial;
}

static struct pair a_pair(unsigned block, double base, double candidate)
{
    return (struct pair){
        .block = block,
        .attempt = 1,
        .candidate_first = block % 2,
        .started_s = block,
        .elapsed_s = 1,
        .steal_s = 0,
        .foreign_s = -0.01,
        .clock_gap_s = NAN,
        .before.rates = {100, 200, 300, NAN},
        .after.rates = {NAN, NAN, NAN, NAN},
        .trials = {an_arm(base), an_arm(candidate)},
    };
}

static void make(struct duet *duet)
{
    *duet = (struct duet){
        .about = {.version = strdup("0"),
                  .created = strdup("2026-01-01T00:00:00Z"),
                  .noise = NAN,
                  .blocks_planned = PAIRS,
                  .cell_count = CELLS},
        .sides = {{.command = calloc(1, sizeof(char *)), .command_count = 1, .version = strdup("0")},
                  {.command = calloc(1, sizeof(char *)), .command_count = 1, .handicap = -0.25}},
        .by_windows = true,
        .pilot_blocks = 12,
    };
    duet->about.host.load_1min = NAN;
    duet->about.cells = calloc(CELLS, sizeof *duet->about.cells);
    duet->cells = calloc(CELLS, sizeof *duet->cells);
    duet->about.cells[0] = a_cell("one", "higher");
    duet->about.cells[1] = a_cell("two", "lower");
    for (int arm = 0; arm < ARMS; arm++)
        duet->sides[arm].command[0] = strdup(arm ? "./new" : "./old");
    duet->cells[0].pairs = calloc(PAIRS, sizeof *duet->cells[0].pairs);
    duet->cells[0].pair_count = PAIRS;
    for (unsigned i = 0; i < PAIRS; i++)
        duet->cells[0].pairs[i] = a_pair(i + 1, 100 + i, 90);
    duet->cells[1].status[ARM_CANDIDATE] = SIDE_LACKS;
    duet->cells[1].reasons[ARM_CANDIDATE] = strdup("it does not know it");
}

static char *path_of(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", frame_folder(), name);
    return path;
}

static void put(const char *name, const char *text, size_t length)
{
    FILE *file = fopen(path_of(name), "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(text, 1, length, file), length);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static char *a_text(void)
{
    struct duet duet;
    make(&duet);
    char *text = document_to_json(&duet_document, &duet);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    duet_free(&duet);
    return text;
}

static void round_trip(void)
{
    struct duet duet, back;
    struct report_error error = {0};
    make(&duet);
    CU_ASSERT_EQUAL_FATAL(duet_write(&duet, frame_folder(), &error), 0);
    if (duet_read(&back, frame_folder(), &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        CU_FAIL_FATAL("what was written is refused");
    }
    CU_ASSERT_EQUAL_FATAL(back.about.cell_count, CELLS);
    CU_ASSERT_STRING_EQUAL(back.about.cells[1].id, "two");
    CU_ASSERT_EQUAL(back.about.cells[1].status, CELL_PENDING);
    CU_ASSERT(isnan(back.about.cells[1].value) && isnan(back.about.noise));
    CU_ASSERT_EQUAL(back.cells[1].status[ARM_BASE], SIDE_OK);
    CU_ASSERT_EQUAL(back.cells[1].status[ARM_CANDIDATE], SIDE_LACKS);
    CU_ASSERT_STRING_EQUAL(back.cells[1].reasons[ARM_CANDIDATE], "it does not know it");
    CU_ASSERT_STRING_EQUAL(back.sides[ARM_CANDIDATE].command[0], "./new");
    CU_ASSERT_EQUAL(back.sides[ARM_BASE].handicap, 0);
    CU_ASSERT_EQUAL(back.sides[ARM_CANDIDATE].handicap, -0.25);
    CU_ASSERT_PTR_NULL(back.sides[ARM_CANDIDATE].version);
    CU_ASSERT(back.by_windows);
    CU_ASSERT_EQUAL_FATAL(back.cells[0].pair_count, PAIRS);
    const struct pair *pair = &back.cells[0].pairs[2];
    CU_ASSERT_EQUAL(pair->block, 3);
    CU_ASSERT_EQUAL(pair->trials[ARM_BASE].block, 3);
    CU_ASSERT_EQUAL(pair->trials[ARM_BASE].value, 102);
    CU_ASSERT_EQUAL(pair->trials[ARM_CANDIDATE].windows[1], 91);
    CU_ASSERT_EQUAL(pair->trials[ARM_CANDIDATE].costs.workers_cpu_s, 0.5);
    CU_ASSERT_EQUAL(pair->foreign_s, -0.01);
    CU_ASSERT_EQUAL(pair->before.rates[LANE_MEMORY], 300);
    CU_ASSERT(pair->candidate_first && isnan(pair->clock_gap_s));
    CU_ASSERT(isnan(pair->before.rates[LANE_LINE]) && isnan(pair->after.rates[LANE_SPIN]));
    char *before = document_to_json(&duet_document, &duet), *after = document_to_json(&duet_document, &back);
    CU_ASSERT_STRING_EQUAL(before, after);
    free(before);
    free(after);
    duet_free(&duet);
    duet_free(&back);
}

static void cut_anywhere(void)
{
    char *text = a_text();
    for (size_t cut = 0; cut < strlen(text); cut += CUT_STEP) {
        struct duet duet;
        struct report_error error = {0};
        put("cut.json", text, cut);
        CU_ASSERT_EQUAL_FATAL(duet_read(&duet, path_of("cut.json"), &error), -1);
        CU_ASSERT_EQUAL(error.code, 65);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, ": line "));
        CU_ASSERT_PTR_NULL(duet.cells);
    }
    free(text);
}

static const struct {
    const char *from, *to, *says;
} FALSIFIED[] = {
    {"muster.duet/1", "muster.duet/2", "only \"muster.duet/1\" is understood"},
    {"muster.duet/1", "muster.results/1", "this is a run, no"},
    {"\"by_windows\": true", "\"by_windows\": 1", "by_windows: true or false is expected"},
    {"\"about\": {", "\"above\": {", "about: is missing"},
    {"\"better\": \"higher\"", "\"better\": \"bigger\"", "about.cells[0]: better is neither"},
    {"\"id\": \"two\"", "\"id\": \"one\"", "about: cells[1]: the id \"one\" is there twice"},
    {"\"base_status\": \"ok\"", "\"base_status\": \"fine\"", "cells[0].base_status: \"fine\" is none of"},
    {"\"base_status\": \"ok\"", "\"base_status\": \"failed\"", "cells[0]: the base's status is not ok"},
    {"\"candidate_reason\"", "\"reason\"", "cells[1]: the candidate's status is not ok"},
    {"\"block\": 1", "\"block\": 0", "cells[0].pairs[0]: blocks and attempts are counted from 1"},
    {"\"block\": 2", "\"block\": -1", "cells[0].pairs[1].block: the number is negative"},
    {"\"block\": 3", "\"block\": 4294967295", "cells[0].pairs[2] is of block 4294967295, of 3 in all"},
    {"\"windows\": [99.0", "\"windows\": [\"99\"", "cells[0].pairs[0].base.windows[0]: a number is expected"},
    {"\"windows\": [99.0", "\"windows\": [19.0",
     "cells[0].pairs[0]: the value 100 is not the median of its windows, 60"},
    {"\"spin\": 100.0", "\"spin\": -100.0", "before.spin: the number is negative"},
    {"{\"id\": \"one\", \"base_status\"", "{\"id\": \"three\", \"base_status\"", "cells[0].id: does not agree"},
    {"{\"id\": \"one\", \"base_status\"",
     "{\"id\": \"none\", \"base_status\": \"ok\", \"candidate_status\": \"ok\", \"pairs\": []},{\"id\": \"one\", "
     "\"base_status\"",
     "cells: there are 3, where 2 were announced"},
    {"\"cells\": [\n  {\"id\": \"one\", \"base_status\"",
     "\"cells\": [],\n \"others\": [{\"id\": \"one\", \"base_status\"", "cells: there are 0, where 2 were announced"},
};

static void falsified_anywhere(void)
{
    char *text = a_text();
    for (size_t i = 0; i < COUNT(FALSIFIED); i++) {
        struct duet duet;
        struct report_error error = {0};
        char *at = strstr(text, FALSIFIED[i].from), *false_text = NULL;
        if (!at)
            fprintf(stderr, "\"%s\" is not in %s\n", FALSIFIED[i].from, text);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        CU_ASSERT_FATAL(asprintf(&false_text, "%.*s%s%s", (int)(at - text), text, FALSIFIED[i].to,
                                 at + strlen(FALSIFIED[i].from)) > 0);
        put("false.json", false_text, strlen(false_text));
        CU_ASSERT_EQUAL(duet_read(&duet, path_of("false.json"), &error), -1);
        CU_ASSERT_EQUAL(error.code, 65);
        if (!strstr(error.text, FALSIFIED[i].says))
            fprintf(stderr, "\"%s\" does not say \"%s\"\n", error.text, FALSIFIED[i].says);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, FALSIFIED[i].says));
        free(false_text);
    }
    free(text);
}

static void other_files(void)
{
    struct duet duet;
    struct report_error error = {0};
    CU_ASSERT_EQUAL(duet_read(&duet, path_of("nowhere.json"), &error), -1);
    CU_ASSERT_EQUAL(error.code, 66);
    CU_ASSERT_EQUAL(duet_read(&duet, frame_folder(), &error), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "/duet.json"));
    CU_ASSERT_EQUAL(duet_read(&duet, frame_source("tests/golden/results.json"), &error), -1);
    CU_ASSERT_EQUAL(error.code, 65);
    make(&duet);
    CU_ASSERT_EQUAL(duet_write(&duet, path_of("nowhere"), &error), -1);
    CU_ASSERT_EQUAL(error.code, 73);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "nowhere/duet.json"));
    duet_free(&duet);
}

static const json_t *resolve(json_t *const schemas[2], size_t *in, const json_t *part)
{
    const char *reference = json_string_value(json_object_get(part, "$ref"));
    if (!reference)
        return part;
    if (strncmp(reference, "urn:muster:results:1", 20) == 0)
        *in = 1;
    const json_t *at = schemas[*in];
    char path[200];
    snprintf(path, sizeof path, "%s", strchr(reference, '#') + 2);
    for (char *rest = path, *name; (name = strsep(&rest, "/"));)
        at = json_object_get(at, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    return at;
}

static bool is_listed(const json_t *array, const char *name)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (strcmp(json_string_value(json_array_get(array, i)), name) == 0)
            return true;
    return false;
}

/* Every field of the table is in the schema, and required there if it is required here. */
static void compare_fields(json_t *const schemas[2], size_t in, const json_t *object, const struct fields *fields,
                           bool terms_only)
{
    terms_only |= fields->terms_only;
    for (const struct field *field = fields->list; field->name; field++) {
        size_t here = in;
        const json_t *property = json_object_get(json_object_get(object, "properties"), field->name);
        if (terms_only && field->measured)
            continue;
        if (!property)
            fprintf(stderr, "the schema lacks %s\n", field->name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(property);
        property = resolve(schemas, &here, property);
        if (field->kind != FIELD_DERIVED)
            CU_ASSERT_EQUAL(is_listed(json_object_get(object, "required"), field->name), field->required);
        if (field->kind == FIELD_OBJECT)
            compare_fields(schemas, here, property, field->below, terms_only);
        if (field->kind == FIELD_OBJECTS) {
            property = resolve(schemas, &here, json_object_get(property, "items"));
            compare_fields(schemas, here, property, field->below, terms_only);
        }
    }
}

static void schema_agrees(void)
{
    json_error_t error;
    json_t *schemas[2] = {json_load_file(frame_source("reports/duet.schema.json"), JSON_REJECT_DUPLICATES, &error)};
    schemas[1] = json_load_file(frame_source("reports/results.schema.json"), JSON_REJECT_DUPLICATES, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(schemas[0]);
    CU_ASSERT_PTR_NOT_NULL_FATAL(schemas[1]);
    compare_fields(schemas, 0, schemas[0], duet_document.fields, false);
    json_decref(schemas[0]);
    json_decref(schemas[1]);
}

/* --- pairs ------------------------------------------------------------------------------------------------------- */

static void worse_is_positive(void)
{
    struct cell rate = {.better = (char[]){"higher"}}, time = {.better = (char[]){"lower"}};
    struct pair pair = {.trials = {{.value = 100}, {.value = 80}}};
    CU_ASSERT_DOUBLE_EQUAL(pair_worse(&rate, &pair), log(100. / 80), 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(pair_worse(&time, &pair), log(80. / 100), 1e-15);
    pair.trials[ARM_CANDIDATE].value = 100;
    CU_ASSERT_EQUAL(pair_worse(&rate, &pair), 0);
    pair.trials[ARM_CANDIDATE].value = NAN;
    CU_ASSERT(isnan(pair_worse(&rate, &pair)));
    pair.trials[ARM_CANDIDATE].value = 0; /* it stands still, and that is no lack of a measurement */
    CU_ASSERT_EQUAL(pair_worse(&rate, &pair), INFINITY);
    pair.trials[ARM_BASE].value = 0;
    CU_ASSERT(isnan(pair_worse(&rate, &pair)));
    pair.trials[ARM_CANDIDATE].value = 100;
    CU_ASSERT_EQUAL(pair_worse(&rate, &pair), -INFINITY);
}

/* The first measurement is one thing, the confirming one another; each in its order. */
static void evidence_of_each_stage(void)
{
    struct duet duet;
    size_t count;
    make(&duet);
    for (size_t i = 0; i < PAIRS; i++) {
        duet.cells[0].pairs[i].confirming = i == 1;
        duet.cells[0].pairs[i].candidate_first = i == 2;
        duet.cells[0].pairs[i].trials[ARM_CANDIDATE].value =
            duet.cells[0].pairs[i].trials[ARM_BASE].value / exp((double)(i + 1));
    }
    struct observation *first = duet_observations(&duet, 0, false, &count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_DOUBLE_EQUAL(first[0].worse, 1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(first[1].worse, 3, 1e-9);
    CU_ASSERT(!first[0].candidate_first && first[1].candidate_first);
    struct observation *again = duet_observations(&duet, 0, true, &count);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_DOUBLE_EQUAL(again[0].worse, 2, 1e-9);
    free(first);
    free(again);
    duet_free(&duet);
}

static struct pair a_quiet_pair(void)
{
    return (struct pair){
        .elapsed_s = 1,
        .before.rates = {100, 100, 100, 100},
        .after.rates = {105, 95, 100, 109},
        .trials = {{.value = 1}, {.value = 2}},
    };
}

static void spoiled_by(const struct pair *pair, const char *why)
{
    const char *says = pair_spoiled(pair, 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(says);
    CU_ASSERT_STRING_EQUAL(says, why);
}

static void what_spoils(void)
{
    struct pair pair = a_quiet_pair();
    CU_ASSERT_PTR_NULL(pair_spoiled(&pair, 2));
    pair.steal_s = 0.04;
    CU_ASSERT_PTR_NULL(pair_spoiled(&pair, 2));
    pair.steal_s = 0.24;
    spoiled_by(&pair, "12 % of its time was taken by the host");
    pair = a_quiet_pair();
    pair.foreign_s = 0.8;
    spoiled_by(&pair, "others' work took 0.8 of a CPU meanwhile");
    pair.foreign_s = -3;
    CU_ASSERT_PTR_NULL(pair_spoiled(&pair, 2));
    pair.after.rates[LANE_LINE] = 131;
    spoiled_by(&pair, "the line lane moved by 31 % meanwhile");
    pair.after.rates[LANE_SPIN] = 50;
    spoiled_by(&pair, "the spin lane moved by 50 % meanwhile");
}

static void what_is_not_known_spoils_nothing(void)
{
    struct pair pair = {.elapsed_s = NAN, .steal_s = 1, .foreign_s = 1};
    for (int lane = 0; lane < LANES; lane++) {
        pair.before.rates[lane] = lane % 2 ? NAN : 1;
        pair.after.rates[lane] = lane % 2 ? 1 : NAN;
    }
    CU_ASSERT_PTR_NULL(pair_spoiled(&pair, 2));
    pair.elapsed_s = 1;
    pair.steal_s = pair.foreign_s = NAN;
    CU_ASSERT_PTR_NULL(pair_spoiled(&pair, 2));
}

/* --- parked sides ------------------------------------------------------------------------------------------------- */

static void parked(void)
{
    struct trial ten = {.window_s = 0.080, .window_count = 8}, one = {.window_s = 0.008, .window_count = 8};
    struct pair pairs[PARKED_LEAST];
    struct duet_cell cell = {.pairs = pairs, .pair_count = PARKED_LEAST};
    enum arm arm;
    double share;
    for (size_t i = 0; i < PARKED_LEAST; i++)
        pairs[i] = (struct pair){.parked_s = {0.0004, i ? 0.008 : 0}, .trials = {ten, ten}};
    CU_ASSERT_DOUBLE_EQUAL(duet_parked(&cell, ARM_BASE), 0.005, 1e-12);
    CU_ASSERT_TRUE(duet_restless(&cell, &arm, &share));
    CU_ASSERT(arm == ARM_CANDIDATE && fabs(share - 0.1) < 1e-12);
    CU_ASSERT_TRUE(pair_counts(&cell, &pairs[0]));
    cell.whole_trials = true;
    CU_ASSERT_FALSE(pair_counts(&cell, &pairs[0]));
    pairs[0].parked_s[ARM_BASE] = pairs[0].parked_s[ARM_CANDIDATE] = NAN;
    CU_ASSERT_TRUE(pair_counts(&cell, &pairs[0]));
    CU_ASSERT_TRUE(isnan(duet_parked(&cell, ARM_BASE))); /* too few are left */
    CU_ASSERT_FALSE(duet_restless(&cell, &arm, &share));
    /* what going to sleep takes is no fault, however short the windows */
    for (size_t i = 0; i < PARKED_LEAST; i++)
        pairs[i] = (struct pair){.parked_s = {0.0007, 0.0003}, .trials = {one, one}};
    CU_ASSERT_FALSE(duet_restless(&cell, &arm, &share));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"duet file: written and read back", round_trip, 0},
        {"duet file: cut anywhere it is refused", cut_anywhere, 0},
        {"duet file: falsified it is refused, naming the place", falsified_anywhere, 0},
        {"duet file: other files", other_files, 0},
        {"duet file: schema and table agree", schema_agrees, 0},
        {"pairs: worse is positive, whichever way is better", worse_is_positive, 0},
        {"pairs: evidence of each stage", evidence_of_each_stage, 0},
        {"pairs: what spoils them", what_spoils, 0},
        {"pairs: what is not known spoils nothing", what_is_not_known_spoils_nothing, 0},
        {"pairs: a side that works while it is parked", parked, 0},
        {NULL, NULL, 0},
    };
    return frame_main(argc, argv, tests);
}
