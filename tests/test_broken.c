/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_broken.c - the proofs catch what is wrong, and say it in the right words.
 *
 * The strategies of broken.c go through a trial as the harness makes it, first called directly, then through the real
 * `trial` and `run` of tests/muster-broken, which is muster with these strategies in its registry. A cell that fails
 * its proof has no number, the others go on, and the run ends with 5. */
#include "harness/trial.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WINDOWS   3
#define WINDOW_NS 3000000
#define DEADLINE  300000 /* us after which a trial that hangs is ended */
#define ITEMS     1000

struct breach {
    const char *strategy, *workload;
    unsigned chunk;
    size_t payload;
    const char *words; /* in the proof or, where the trial fails, in the error */
};

/* What each must be called. Chunks of 1 and of many, since a coat breaks the last operation of a call. */
static const struct breach proved[] = {
    {"broken-loses", "counter", 1, 8, "lost"},
    {"broken-loses", "counter", 16, 8, "lost"},
    {"broken-loses", "list", 1, 8, "lost"},
    {"broken-loses", "list", 7, 24, "lost"},
    {"broken-loses", "array", 1, 8, "lost"},
    {"broken-loses", "array", 16, 8, "lost"},
    {"broken-loses", "dict", 16, 24, "not its worker's last"},
    {"broken-doubles", "array", 7, 8, "nobody made"},
    {"broken-tears", "dict", 1, 24, "torn"},
    {"broken-tears", "dict", 16, 4096, "torn"},
    {"broken-opens", "lock", 1, 8, "does not exclude"},
    {"broken-doubles", "counter", 1, 8, "nobody made"},
    {"broken-doubles", "list", 1, 8, "twice"},
    {"broken-doubles", "list", 16, 4096, "twice"},
    {"broken-doubles", "map", 1, 8, "did not run every item once"},
    {"broken-doubles", "map", 16, 8, "did not run every item once"},
    {"broken-tears", "list", 1, 24, "torn"},
    {"broken-tears", "list", 16, 4096, "torn"},
    {"broken-tears", "list-read", 1, 24, "wrong elements"},
    {"broken-swaps", "map", 1, 8, "not its own"},
    {"broken-swaps", "map", 16, 4096, "not its own"},
    {"broken-skips", "map", 1, 8, "did not run every item once"},
    {"broken-skips", "map", 16, 100, "did not run every item once"},
    {NULL},
};

static const struct breach deadly[] = {
    {"broken-dies", "counter", 1, 8, "signal 9"},
    {"broken-dies", "list", 1, 8, "signal 9"},
    {"broken-dies", "array", 1, 8, "signal 9"},
    {"broken-dies", "dict", 1, 8, "signal 9"},
    {"broken-dies", "lock", 1, 8, "signal 9"},
    {"broken-dies", "map", 1, 8, "signal 9"},
    {NULL},
};

static const struct breach hanging[] = {
    {"broken-hangs", "counter", 1, 8, NULL},
    {"broken-hangs", "list", 1, 8, NULL},
    {"broken-hangs", "map", 1, 8, NULL},
    {NULL},
};

static struct request request_of(const struct breach *f)
{
    return (struct request){
        .strategy = strategy_find(f->strategy),
        .workload = workload_find(f->workload),
        .parameters = {.workers = 2, .chunk = f->chunk, .items = ITEMS, .payload = f->payload},
        .service_pu = -1,
        .oversubscribed = true,
    };
}

/* Warm-up and windows; the session is closed whatever happens. */
static int measure(const struct breach *f, struct series *series, struct error *error)
{
    struct request request = request_of(f);
    struct session *session;
    CU_ASSERT_FATAL(request.strategy && request.workload);
    if (trial_settle(&request, NULL, error) || trial_open(&session, &request, NULL, error))
        return -1;
    int result = trial_measure(session, WINDOWS, WINDOW_NS, series, error);
    trial_close(session, result ? 0 : INT64_C(5000000000), NULL);
    return result;
}

static void expect_words(const struct breach *f, const char *text)
{
    if (!strstr(text, f->words))
        fprintf(stderr, "%s/%s chunk %u: '%s' does not say '%s'\n", f->workload, f->strategy, f->chunk, text, f->words);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, f->words));
}

static void proofs_catch(void)
{
    for (const struct breach *f = proved; f->strategy; f++) {
        struct error error = {.code = ERROR_NONE};
        struct series series;
        int result = measure(f, &series, &error);
        CU_ASSERT_EQUAL_FATAL(result, 0);
        CU_ASSERT_FALSE(series.verified);
        CU_ASSERT(strstr(f->words, "lost") == NULL || series.lost > 0);
        expect_words(f, series.proof);
        series_free(&series);
    }
}

static void death_is_told(void)
{
    for (const struct breach *f = deadly; f->strategy; f++) {
        struct error error = {.code = ERROR_NONE};
        struct series series;
        CU_ASSERT_EQUAL(measure(f, &series, &error), -1);
        CU_ASSERT_EQUAL(error.code, ERROR_DIED);
        expect_words(f, error.text);
    }
}

/* The workers die with the process that hangs. */
static void hang_ends_at_a_deadline(void)
{
    for (const struct breach *f = hanging; f->strategy; f++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct error error = {.code = ERROR_NONE};
            struct series series;
            _exit(measure(f, &series, &error) ? 1 : 2);
        }
        int status = 0;
        CU_ASSERT_FATAL(pid > 0);
        usleep(DEADLINE);
        CU_ASSERT_EQUAL(waitpid(pid, &status, WNOHANG), 0);
        CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
        CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
        CU_ASSERT(WIFSIGNALED(status));
    }
}

/* The coat itself is not what the proofs complain of: a good strategy passes the same windows. */
static void good_ones_pass(void)
{
    static const char *const names[] = {"map", "counter", "list", "list-read", "array", "dict", "lock", "async"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct breach f = {.strategy = "shared-memory", .workload = names[i], .chunk = 4, .payload = 24};
        struct error error = {.code = ERROR_NONE};
        struct series series;
        int result = measure(&f, &series, &error);
        CU_ASSERT_EQUAL_FATAL(result, 0);
        CU_ASSERT_TRUE(series.verified);
        CU_ASSERT_EQUAL(series.lost, 0);
        CU_ASSERT_STRING_EQUAL(series.proof, "");
        series_free(&series);
    }
}

/* --- the real trial ---------------------------------------------------------------------------------------------- */

#define REPLIES 4

/* Says the lines to `muster-broken trial` and reads a reply for each, as JSON; returns its exit code, or -1. */
static int converse(const char *lines, json_t *replies[REPLIES])
{
    static char text[65536];
    char command[8192], path[4200];
    snprintf(path, sizeof path, "%s/lines", frame_folder());
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(lines, file);
    fclose(file);
    snprintf(command, sizeof command, "exec '%s' trial <'%s'", frame_built("tests/muster-broken"), path);
    FILE *pipe = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    for (size_t i = 0; i < REPLIES; i++)
        replies[i] = fgets(text, sizeof text, pipe) ? json_loads(text, 0, NULL) : NULL;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void forget(json_t *replies[REPLIES])
{
    for (size_t i = 0; i < REPLIES; i++)
        json_decref(replies[i]);
}

static const char *lines_for(const struct breach *f, unsigned deadline_s)
{
    static char lines[2048];
    snprintf(lines, sizeof lines,
             "{\"do\":\"prepare\",\"workload\":\"%s\",\"strategy\":\"%s\",\"variant\":\"plain\",\"workers\":2,"
             "\"chunk\":%u,\"items\":%u,\"payload_bytes\":%zu,\"oversubscribed\":true,\"deadline_s\":%u}\n"
             "{\"do\":\"measure\",\"windows\":3,\"window_ns\":3000000}\n{\"do\":\"finish\"}\n",
             f->workload, f->strategy, f->chunk, ITEMS, f->payload, deadline_s);
    return lines;
}

static const char *string_of(const json_t *reply, const char *name)
{
    const char *text = json_string_value(json_object_get(reply, name));
    return text ? text : "";
}

static void trial_says_it(void)
{
    for (const struct breach *f = proved; f->strategy; f++) {
        json_t *replies[REPLIES];
        CU_ASSERT_EQUAL(converse(lines_for(f, 20), replies), 0);
        CU_ASSERT_STRING_EQUAL(string_of(replies[0], "reply"), "ready");
        CU_ASSERT_STRING_EQUAL(string_of(replies[1], "reply"), "measured");
        CU_ASSERT(json_is_false(json_object_get(replies[1], "verified")));
        expect_words(f, string_of(replies[1], "proof"));
        CU_ASSERT_STRING_EQUAL(string_of(replies[2], "reply"), "finished");
        CU_ASSERT_PTR_NULL(replies[3]);
        forget(replies);
    }
}

static void trial_tells_a_death(void)
{
    for (const struct breach *f = deadly; f->strategy; f++) {
        json_t *replies[REPLIES];
        converse(lines_for(f, 20), replies);
        CU_ASSERT_STRING_EQUAL(string_of(replies[1], "reply"), "failed");
        expect_words(f, string_of(replies[1], "reason"));
        forget(replies);
    }
}

static void trial_ends_at_its_deadline(void)
{
    for (const struct breach *f = hanging; f->strategy; f++) {
        json_t *replies[REPLIES];
        CU_ASSERT_EQUAL(converse(lines_for(f, 1), replies), -1);
        CU_ASSERT_STRING_EQUAL(string_of(replies[0], "reply"), "ready");
        CU_ASSERT_PTR_NULL(replies[1]);
        forget(replies);
    }
}

/* --- the real run ------------------------------------------------------------------------------------------------ */

/* Runs cells and returns the results file; *code gets the exit code. */
static json_t *run(const char *arguments, int *code)
{
    char command[8192], path[4200];
    snprintf(command, sizeof command,
             "exec '%s' run -n 2 -p none --idle natural --blocks 2 --windows 3 --window 2ms --warmup 0s %s "
             "--format none -o '%s/out' >'%s/stdout' 2>&1",
             frame_built("tests/muster-broken"), arguments, frame_folder(), frame_folder());
    int status = system(command);
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    snprintf(path, sizeof path, "%s/out/results.json", frame_folder());
    json_t *results = json_load_file(path, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(results);
    return results;
}

static const json_t *cell_of(const json_t *results, const char *strategy, const char *workload)
{
    size_t i;
    json_t *cell;
    json_array_foreach(json_object_get(results, "cells"), i, cell)
    {
        if (strcmp(string_of(cell, "strategy"), strategy) == 0 && strcmp(string_of(cell, "workload"), workload) == 0)
            return cell;
    }
    return NULL;
}

static void expect_failed(const json_t *results, const struct breach *f)
{
    const json_t *cell = cell_of(results, f->strategy, f->workload);
    CU_ASSERT_STRING_EQUAL(string_of(cell, "status"), "failed");
    CU_ASSERT_PTR_NULL(json_object_get(cell, "value"));
    CU_ASSERT_FALSE(json_is_true(json_object_get(cell, "verified")));
    expect_words(f, string_of(cell, "reason"));
}

static void expect_fine(const json_t *results, const char *strategy, const char *workload)
{
    const json_t *cell = cell_of(results, strategy, workload);
    CU_ASSERT_STRING_EQUAL(string_of(cell, "status"), "ok");
    CU_ASSERT(json_is_true(json_object_get(cell, "verified")));
    CU_ASSERT(json_number_value(json_object_get(cell, "value")) > 0);
}

static void run_goes_on(void)
{
    static const struct breach failing[] = {
        {"broken-loses", "counter", 4, 24, "lost"},
        {"broken-doubles", "list", 4, 24, "twice"},
        {"broken-tears", "list", 4, 24, "torn"},
        {"broken-swaps", "map", 4, 24, "not its own"},
        {"broken-skips", "map", 4, 24, "did not run every item once"},
        {"broken-dies", "counter", 4, 24, "signal 9"},
        {NULL},
    };
    int code;
    json_t *results = run("-s serial,shared-memory,broken-loses,broken-doubles,broken-tears,broken-swaps,broken-skips,"
                          "broken-dies -w map,counter,list -c 4 --payload 24 --items 1000",
                          &code);
    CU_ASSERT_EQUAL(code, 5);
    for (const struct breach *f = failing; f->strategy; f++)
        expect_failed(results, f);
    expect_fine(results, "shared-memory", "map");
    expect_fine(results, "shared-memory", "counter");
    expect_fine(results, "serial", "list");
    CU_ASSERT_STRING_EQUAL(string_of(cell_of(results, "broken-tears", "counter"), "status"), "n/a");
    json_decref(results);
}

/* A warm-up is kept out of the figures, not out of the proof. */
static void warm_up_is_proved(void)
{
    static const struct breach start = {"broken-starts", "counter", 4, 8, "lost"};
    int code;
    json_t *results = run("-s shared-memory,broken-starts -w counter -c 4 --warmup 2ms", &code);
    CU_ASSERT_EQUAL(code, 5);
    expect_failed(results, &start);
    expect_fine(results, "shared-memory", "counter");
    json_decref(results);
}

static void run_ends_a_hang(void)
{
    int code;
    json_t *results = run("-s shared-memory,broken-hangs -w counter -c 4", &code);
    const json_t *cell = cell_of(results, "broken-hangs", "counter");
    CU_ASSERT_EQUAL(code, 5);
    CU_ASSERT_STRING_EQUAL(string_of(cell, "status"), "failed");
    CU_ASSERT(strlen(string_of(cell, "reason")) > 10);
    printf("a hang is called: %s\n", string_of(cell, "reason"));
    expect_fine(results, "shared-memory", "counter");
    json_decref(results);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "broken: a good strategy passes", .run = good_ones_pass},
        {.name = "broken: the proofs catch what is lost, doubled, torn, swapped, skipped", .run = proofs_catch},
        {.name = "broken: a worker that dies is told", .run = death_is_told},
        {.name = "broken: a hang ends at a deadline", .run = hang_ends_at_a_deadline},
        {.name = "broken: trial says what its proof found", .run = trial_says_it},
        {.name = "broken: trial tells a death", .run = trial_tells_a_death},
        {.name = "broken: trial ends at its deadline", .run = trial_ends_at_its_deadline},
        {.name = "broken: run reports failed cells and goes on", .run = run_goes_on, .limit_s = 60},
        {.name = "broken: a loss in the warm-up counts", .run = warm_up_is_proved, .limit_s = 60},
        {.name = "broken: run ends a hang", .run = run_ends_a_hang, .limit_s = 90},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
