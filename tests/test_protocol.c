/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_protocol.c - muster.trial/1: requests and replies to JSON and back, and what is no request and no reply.
 *
 * The other side may be another build: what it does not know is an answer, what makes no sense is an error. */
#include "bench/registry.h"
#include "harness/protocol.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- to JSON and back -------------------------------------------------------------------------------------------- */

/* What comes out at the other side of the pipe. */
static json_t *carried(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    json_t *read = json_loads(text, 0, NULL);
    CU_ASSERT_PTR_NULL(strchr(text, '\n'));
    free(text);
    json_decref(json);
    CU_ASSERT_PTR_NOT_NULL_FATAL(read);
    return read;
}

static void request_round_trip(void)
{
    unsigned pus[] = {5, 0, 1023};
    const struct request sent = {
        .strategy = strategy_find("shared-memory"),
        .variant = (unsigned)variant_find(strategy_find("shared-memory"), "mutex"),
        .workload = workload_find("counter"),
        .parameters = {.workers = 3, .chunk = 4294967295, .items = 1 << 20, .payload = 65536, .cost = 123456789012},
        .depth = 7,
        .pus = pus,
        .service_pu = 5,
        .oversubscribed = true,
    };
    struct request got;
    unsigned deadline_s = 0;
    char reason[300] = "";
    json_t *json = carried(protocol_prepare(&sent, 4711, 61));
    CU_ASSERT_EQUAL(protocol_read_prepare(json, &got, &deadline_s, reason, sizeof reason), 1);
    CU_ASSERT_STRING_EQUAL(reason, "");
    CU_ASSERT_PTR_EQUAL(got.strategy, sent.strategy);
    CU_ASSERT_PTR_EQUAL(got.workload, sent.workload);
    CU_ASSERT_EQUAL(got.variant, sent.variant);
    CU_ASSERT_EQUAL(got.parameters.workers, 3);
    CU_ASSERT_EQUAL(got.parameters.chunk, 4294967295);
    CU_ASSERT_EQUAL(got.parameters.items, 1 << 20);
    CU_ASSERT_EQUAL(got.parameters.payload, 65536);
    CU_ASSERT_EQUAL(got.parameters.cost, 123456789012);
    CU_ASSERT_EQUAL(got.parameters.seed, 4711);
    CU_ASSERT_EQUAL(got.depth, 7);
    CU_ASSERT_EQUAL(got.service_pu, 5);
    CU_ASSERT_TRUE(got.oversubscribed);
    CU_ASSERT_EQUAL(deadline_s, 61);
    CU_ASSERT_EQUAL(memcmp(got.pus, pus, sizeof pus), 0);
    request_free(&got);
    json_decref(json);
}

static void unbound_round_trip(void)
{
    const struct request sent = {.strategy = strategy_find("serial"),
                                 .workload = workload_find("map"),
                                 .parameters = {.workers = 1, .payload = 8},
                                 .service_pu = -1};
    struct request got;
    unsigned deadline_s = 0;
    char reason[300];
    json_t *json = carried(protocol_prepare(&sent, UINT64_MAX, 0));
    CU_ASSERT_EQUAL(protocol_read_prepare(json, &got, &deadline_s, reason, sizeof reason), 1);
    CU_ASSERT_PTR_NULL(got.pus);
    CU_ASSERT_EQUAL(got.service_pu, -1);
    CU_ASSERT_EQUAL(got.parameters.chunk, 0);
    CU_ASSERT_EQUAL(deadline_s, 0);
    json_decref(json);
}

/* What the kernel did not tell is absent, not a number. */
static void measured_round_trip(void)
{
    struct measured windows[] = {{.rate = 1.5e9, .seconds = 0.25}, {.rate = 0, .seconds = 0.5}};
    uint64_t per_worker[] = {1, UINT64_C(1) << 53, 0};
    const struct series series = {
        .windows = windows,
        .count = 2,
        .per_worker = per_worker,
        .workers = {.cpu_s = 0.75, .voluntary = 12, .involuntary = 3, .run_delay_s = NAN},
        .service = {.cpu_s = NAN, .voluntary = NAN, .involuntary = NAN, .run_delay_s = NAN},
        .lost = 99,
        .verified = false,
        .proof = "the counter \"ends\" at 1,\nnot at 100",
    };
    struct answer answer;
    json_t *json = carried(protocol_measured(&series, 3));
    CU_ASSERT_EQUAL_FATAL(protocol_read_measured(json, &answer), 0);
    CU_ASSERT_EQUAL_FATAL(answer.rate_count, 2);
    CU_ASSERT_EQUAL_FATAL(answer.worker_count, 3);
    CU_ASSERT_EQUAL(answer.rates[0], 1.5e9);
    CU_ASSERT_EQUAL(answer.rates[1], 0);
    CU_ASSERT_EQUAL(memcmp(answer.per_worker, per_worker, sizeof per_worker), 0);
    CU_ASSERT_EQUAL(answer.seconds, 0.75);
    CU_ASSERT_EQUAL(answer.workers.cpu_s, 0.75);
    CU_ASSERT_EQUAL(answer.workers.voluntary, 12);
    CU_ASSERT(isnan(answer.workers.run_delay_s));
    CU_ASSERT(isnan(answer.service.cpu_s));
    CU_ASSERT_EQUAL(answer.lost, 99);
    CU_ASSERT_FALSE(answer.verified);
    CU_ASSERT_STRING_EQUAL(answer.proof, series.proof);
    answer_free(&answer);
    json_decref(json);
}

/* Windows that were measured by several requests are one answer. */
static void answers_are_joined(void)
{
    static const char *const texts[] = {
        "{\"rates\":[1.0,2.0],\"per_worker\":[10,20],\"seconds\":0.5,\"lost\":0,\"verified\":true,"
        "\"workers\":{\"cpu_s\":0.25}}",
        "{\"rates\":[3.0],\"per_worker\":[1,2],\"seconds\":0.25,\"lost\":3,\"verified\":false,"
        "\"proof\":\"lost\",\"workers\":{\"cpu_s\":0.5}}",
        "{\"rates\":[3.0],\"per_worker\":[1],\"seconds\":0.25,\"lost\":3,\"verified\":true}",
    };
    struct answer answers[3];
    for (int i = 0; i < 3; i++) {
        json_t *json = json_loads(texts[i], 0, NULL);
        CU_ASSERT_EQUAL_FATAL(protocol_read_measured(json, &answers[i]), 0);
        json_decref(json);
    }
    CU_ASSERT_EQUAL(answer_join(&answers[0], &answers[1]), 0);
    CU_ASSERT_EQUAL_FATAL(answers[0].rate_count, 3);
    CU_ASSERT(answers[0].rates[1] == 2 && answers[0].rates[2] == 3);
    CU_ASSERT(answers[0].per_worker[0] == 11 && answers[0].per_worker[1] == 22);
    CU_ASSERT(answers[0].seconds == 0.75 && answers[0].lost == 3 && answers[0].workers.cpu_s == 0.75);
    CU_ASSERT_FALSE(answers[0].verified);
    CU_ASSERT_STRING_EQUAL(answers[0].proof, "lost");
    /* of another number of workers: not of the same trial */
    CU_ASSERT_EQUAL(answer_join(&answers[0], &answers[2]), -1);
    CU_ASSERT_EQUAL(answers[0].rate_count, 3);
    for (int i = 0; i < 3; i++)
        answer_free(&answers[i]);
}

/* A request of this form with one part put differently. */
#define NAMES "\"workload\":\"counter\",\"strategy\":\"serial\",\"variant\":\"plain\""

static int read_text(const char *text, char reason[300])
{
    struct request request;
    unsigned deadline_s;
    json_t *json = json_loads(text, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    reason[0] = '\0';
    int result = protocol_read_prepare(json, &request, &deadline_s, reason, 300);
    request_free(&request);
    json_decref(json);
    return result;
}

static void unknown_names(void)
{
    static const char *const unknown[] = {
        "{\"workload\":\"chess\",\"strategy\":\"serial\",\"variant\":\"plain\",\"workers\":1}",
        "{\"workload\":\"map\",\"strategy\":\"telepathy\",\"variant\":\"plain\",\"workers\":1}",
        "{\"workload\":\"map\",\"strategy\":\"serial\",\"variant\":\"fancy\",\"workers\":1}",
        /* known, and not to be combined */
        "{\"workload\":\"map\",\"strategy\":\"shared-memory\",\"variant\":\"mutex\",\"workers\":1}",
        "{\"workload\":\"map\",\"strategy\":\"serial\",\"variant\":\"plain\",\"workers\":2,\"pus\":[0,1]}",
        "{\"workload\":\"list\",\"strategy\":\"serial\",\"variant\":\"plain\",\"workers\":1,\"payload_bytes\":4}",
    };
    char reason[300];
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        CU_ASSERT_EQUAL(read_text(unknown[i], reason), 0);
        CU_ASSERT(reason[0]);
    }
    CU_ASSERT_EQUAL(read_text(unknown[1], reason), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(reason, "does not know map/telepathy:plain"));
}

static const char *const no_requests[] = {
    "{}",
    "[]",
    "{\"workload\":1,\"strategy\":\"serial\",\"variant\":\"plain\"}",
    "{" NAMES "}",
    "{" NAMES ",\"workers\":0}",
    "{" NAMES ",\"workers\":-1}",
    "{" NAMES ",\"workers\":1025}",
    "{" NAMES ",\"workers\":\"1\"}",
    "{" NAMES ",\"workers\":1.5}",
    "{" NAMES ",\"workers\":1,\"chunk\":-1}",
    "{" NAMES ",\"workers\":1,\"items\":-5}",
    "{" NAMES ",\"workers\":1,\"payload_bytes\":-8}",
    "{" NAMES ",\"workers\":1,\"payload_bytes\":1099511627776}",
    "{" NAMES ",\"workers\":1,\"item_cost_steps\":-1}",
    "{" NAMES ",\"workers\":1,\"depth\":-1}",
    "{" NAMES ",\"workers\":1,\"depth\":4294967297}",
    "{" NAMES ",\"workers\":1,\"pus\":[]}",
    "{" NAMES ",\"workers\":1,\"pus\":[0,1]}",
    "{" NAMES ",\"workers\":1,\"pus\":[-1]}",
    "{" NAMES ",\"workers\":1,\"pus\":[4294967296]}",
    "{" NAMES ",\"workers\":1,\"pus\":[\"0\"]}",
    "{" NAMES ",\"workers\":1,\"pus\":0}",
    "{" NAMES ",\"workers\":1,\"deadline_s\":\"soon\"}",
};
static const char *const no_answers[] = {
    "{}",
    "[]",
    "{\"reply\":\"measured\"}",
    "{\"rates\":1,\"per_worker\":[],\"seconds\":1.0,\"lost\":0,\"verified\":true}",
    "{\"rates\":[],\"per_worker\":{},\"seconds\":1.0,\"lost\":0,\"verified\":true}",
    "{\"rates\":[\"fast\"],\"per_worker\":[1],\"seconds\":1.0,\"lost\":0,\"verified\":true}",
    "{\"rates\":[1.0],\"per_worker\":[-1],\"seconds\":1.0,\"lost\":0,\"verified\":true}",
    "{\"rates\":[],\"per_worker\":[1],\"seconds\":1.0,\"lost\":0,\"verified\":true}",
    "{\"rates\":[1.0],\"per_worker\":[1],\"seconds\":-1.0,\"lost\":0,\"verified\":true}",
    "{\"rates\":[1.0],\"per_worker\":[1],\"seconds\":1.0,\"lost\":-1,\"verified\":true}",
};
static const char *const not_ready[] = {
    "[]",
    "{\"items\":-1,\"chunk_used\":1,\"depth\":0}",
    "{\"items\":1073741825,\"chunk_used\":1,\"depth\":0}",
    "{\"items\":1.5,\"chunk_used\":1,\"depth\":0}",
    "{\"items\":1,\"chunk_used\":-1,\"depth\":0}",
    "{\"items\":1,\"chunk_used\":4294967296,\"depth\":0}",
    "{\"items\":1,\"chunk_used\":\"1\",\"depth\":0}",
    "{\"items\":1,\"chunk_used\":1,\"depth\":-1}",
    "{\"items\":1,\"chunk_used\":1,\"depth\":65537}",
};

static void nonsense(void)
{
    char reason[300];
    for (size_t i = 0; i < sizeof no_requests / sizeof *no_requests; i++) {
        int result = read_text(no_requests[i], reason);
        CU_ASSERT_EQUAL(result, -1);
        CU_ASSERT(reason[0]);
        if (result != -1)
            fprintf(stderr, "taken as %d: %s\n", result, no_requests[i]);
    }
    for (size_t i = 0; i < sizeof no_answers / sizeof *no_answers; i++) {
        struct answer answer;
        json_t *json = json_loads(no_answers[i], 0, NULL);
        int result = protocol_read_measured(json, &answer);
        CU_ASSERT_EQUAL(result, -1);
        if (result != -1) {
            fprintf(stderr, "taken: %s\n", no_answers[i]);
            answer_free(&answer);
        }
        json_decref(json);
    }
}

static void what_was_settled(void)
{
    struct ready ready;
    json_t *json = json_loads("{\"items\":1073741824,\"chunk_used\":4294967295,\"depth\":65536}", 0, NULL);
    CU_ASSERT_EQUAL(protocol_read_ready(json, &ready), 0);
    json_decref(json);
    CU_ASSERT(ready.items == 1 << 30 && ready.chunk_used == UINT32_MAX && ready.depth == 65536);
    for (size_t i = 0; i < sizeof not_ready / sizeof *not_ready; i++) {
        json = json_loads(not_ready[i], 0, NULL);
        CU_ASSERT_EQUAL(protocol_read_ready(json, &ready), -1);
        CU_ASSERT_EQUAL(ready.items, 0);
        json_decref(json);
    }
}

int main(int argc, char **argv)
{
    const struct test tests[] = {
        {.name = "protocol: a request there and back", .run = request_round_trip},
        {.name = "protocol: a request without units", .run = unbound_round_trip},
        {.name = "protocol: figures there and back", .run = measured_round_trip},
        {.name = "protocol: answers are joined", .run = answers_are_joined},
        {.name = "protocol: unknown names are n/a", .run = unknown_names},
        {.name = "protocol: nonsense is refused", .run = nonsense},
        {.name = "protocol: what was settled, within what can be asked for", .run = what_was_settled},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
