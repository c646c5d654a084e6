/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * download.c - the exercise: the workers of a pool fetch the pages of a list of addresses, each with a curl of its own.
 *
 * One pool_map() in chunks of 1 is one grain, and its pages are the operations. The address is the item and travels to
 * its worker; curl gets it behind `--`, so that no address can be an option, reads no configuration, follows redirects
 * to http and https only, and has PAGE_S for all of it. A page that cannot be had has the status 000 and says why; it
 * harms no other. Proof: every address was fetched once, and its result stands at its place. */
#include "bench/ipc/memory.h"
#include "bench/ipc/program.h"
#include "bench/workload.h"
#include "bench/workloads/addresses.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PAGE_S      30
#define CONNECT_S   10
#define TEXT(x)     TEXT_OF(x)
#define TEXT_OF(x)  #x
#define MARK        "muster-page "
#define NS_PER_S    INT64_C(1000000000)
#define CURL_WANTED "curl is needed to fetch pages (Debian, Fedora, Arch, openSUSE: curl)"

struct page {
    uint64_t place; /* of its address in the list, from 1; 0: not fetched */
    uint64_t bytes;
    int32_t status; /* of HTTP; 0: none */
    char why[140];  /* when there is none */
};

struct page_tally {
    _Alignas(LINE_APART) _Atomic uint64_t pages; /* its worker's only; the parent's between windows */
};

struct download_run {
    const char *text; /* the list, the caller's */
    size_t count, item, workers;
    uint64_t calls; /* since the last check */
    uint64_t *shares;
    struct page_tally *tally; /* shared; per worker */
};

static uint64_t download_chunk_auto(const struct parameters *p)
{
    (void)p;
    return 1;
}

static void download_release(void *ctx)
{
    struct download_run *run = ctx;
    if (!run)
        return;
    memory_free(run->tally, run->workers * sizeof *run->tally);
    free(run->shares);
    free(run);
}

static int check_curl(struct error *error)
{
    static const char *const argv[] = {"curl", "--version", NULL};
    struct error why = {.code = ERROR_NONE};
    char text[80];
    int status = 0;
    if (program_run(argv, CONNECT_S * NS_PER_S, text, sizeof text, &status, &why))
        return error_set(error, ERROR_USE, CURL_WANTED ": %.80s", why.text);
    if (status != 0)
        return error_died(error, CURL_WANTED ", and `curl --version`", 0, status);
    return 0;
}

static int download_prepare(const struct parameters *p, struct setup *setup, struct error *error)
{
    size_t longest, count = p->input ? addresses_count(p->input, &longest) : 0;
    if (count == 0)
        return error_set(error, ERROR_USE, "download wants a list of addresses, and has none");
    if (check_curl(error))
        return -1;
    struct download_run *run = calloc(1, sizeof *run);
    if (!run)
        return error_system(error, "no memory for the workload");
    *run = (struct download_run){.text = p->input, .count = count, .workers = p->workers};
    run->item = sizeof(uint64_t) + ((longest + sizeof(uint64_t)) & ~(sizeof(uint64_t) - 1));
    run->tally = memory_shared(run->workers * sizeof *run->tally);
    run->shares = calloc(run->workers, sizeof *run->shares);
    if (!run->tally || !run->shares) {
        error_system(error, "no memory for %zu workers", run->workers);
        download_release(run);
        return -1;
    }
    setup->ctx = run;
    setup->items = count;
    setup->in_size = run->item;
    setup->out_size = sizeof(struct page);
    /* A page that waits behind another one at a busy worker could be another worker's. */
    setup->depth = setup->depth ? setup->depth : 1;
    return 0;
}

/* An item is its place in the list, from 1, and its address, ended by zeros. */
static int download_objects(struct pool *pool, struct error *error)
{
    struct download_run *run = pool_context(pool);
    unsigned char *item = pool_in(pool);
    const char *address, *at = run->text;
    size_t length;
    (void)error;
    memset(item, 0, run->count * run->item);
    for (uint64_t place = 1; (address = address_next(&at, &length)); place++, item += run->item) {
        memcpy(item, &place, sizeof place);
        memcpy(item + sizeof place, address, length);
    }
    return 0;
}

static uint64_t download_grain(const void *ctx)
{
    return ((const struct download_run *)ctx)->count;
}

/* --- a page ------------------------------------------------------------------------------------------------------ */

static int no_page(struct page *page, const char *format, const char *what)
{
    page->status = 0;
    page->bytes = 0;
    snprintf(page->why, sizeof page->why, format, (int)sizeof page->why - 40, what);
    return 0;
}

/* curl's last line is ours, what stands before it is its complaint. */
static int read_page(struct page *page, char *text, int status)
{
    char *ours = strstr(text, MARK), *end = NULL;
    text[strcspn(text, "\r\n")] = '\0';
    if (WIFSIGNALED(status))
        return no_page(page, "%.*s", "curl was killed");
    if (!ours)
        return no_page(page, "curl did not say what became of it: %.*s", text);
    page->status = (int32_t)strtol(ours + strlen(MARK), &end, 10);
    page->bytes = strtoull(end, NULL, 10);
    if (status == 0 && page->status > 0)
        return 0;
    return no_page(page, "%.*s", ours == text ? "no answer" : text);
}

static int fetch(const char *address, struct page *page)
{
    const char *const argv[] = {
        "curl",
        "--disable",
        "--silent",
        "--show-error",
        "--location",
        "--globoff",
        "--max-time",
        TEXT(PAGE_S),
        "--proto",
        "=http,https",
        "--output",
        "/dev/null",
        "--max-redirs",
        "10",
        "--proto-redir",
        "=http,https",
        "--write-out",
        MARK "%{http_code} %{size_download}",
        "--connect-timeout",
        TEXT(CONNECT_S),
        "--",
        address,
        NULL,
    };
    struct error error = {.code = ERROR_NONE};
    char text[1024];
    int status = 0;
    for (const char *c = address; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return no_page(page, "%.*s", "this is no address: it holds a blank or a control character");
    if (program_run(argv, (PAGE_S + CONNECT_S) * NS_PER_S, text, sizeof text, &status, &error))
        return no_page(page, "%.*s", error.text);
    return read_page(page, text, status);
}

static int download_items(struct worker *w, void *ctx, uint64_t argument, const void *in, void *out, uint64_t first,
                          size_t n)
{
    struct download_run *run = ctx;
    const char *item = in;
    struct page *page = out;
    (void)argument;
    for (size_t i = 0; i < n; i++, item += run->item, page++) {
        item_begin(w, first + i);
        *page = (struct page){.status = 0};
        fetch(item + sizeof page->place, page);
        memcpy(&page->place, item, sizeof page->place);
        atomic_fetch_add_explicit(&run->tally[w->slot].pages, 1, memory_order_relaxed);
    }
    return 0;
}

static int64_t download_step(struct worker *w, void *ctx, size_t n)
{
    struct download_run *run = ctx;
    for (size_t i = 0; i < n; i++) {
        memset(pool_out(w->pool), 0, run->count * sizeof(struct page));
        if (pool_map(w->pool, download_items, 0, run->count, 1, w->error))
            return -1;
        run->calls++;
    }
    return (int64_t)n;
}

/* --- what came of it --------------------------------------------------------------------------------------------- */

static int download_check(struct pool *pool, const uint64_t *done, struct proof *proof, struct error *error)
{
    struct download_run *run = pool_context(pool);
    const struct page *pages = pool_out(pool);
    uint64_t fetched = 0, wanted = run->calls * run->count, displaced = 0;
    (void)error, (void)done;
    for (size_t i = 0; i < run->workers; i++) {
        run->shares[i] = atomic_exchange_explicit(&run->tally[i].pages, 0, memory_order_relaxed);
        fetched += run->shares[i];
    }
    for (size_t i = 0; i < run->count && run->calls; i++)
        displaced += pages[i].place != i + 1;
    *proof = (struct proof){.holds = fetched == wanted && displaced == 0, .lost = displaced};
    if (fetched != wanted)
        snprintf(proof->text, sizeof proof->text, "%llu pages were fetched, where %llu were wanted",
                 (unsigned long long)fetched, (unsigned long long)wanted);
    else if (displaced)
        snprintf(proof->text, sizeof proof->text, "%llu of %zu results do not stand at their address",
                 (unsigned long long)displaced, run->count);
    run->calls = 0;
    return 0;
}

static void download_shares(const void *ctx, uint64_t *per_worker)
{
    const struct download_run *run = ctx;
    memcpy(per_worker, run->shares, run->workers * sizeof *per_worker);
}

static int download_read(const char *text, struct error *error)
{
    size_t longest;
    if (addresses_count(text, &longest) > 0)
        return 0;
    return error_set(error, ERROR_USE, "it holds no address: one on each line, # begins a comment");
}

/* All pages of the slowest worker, each as slow as it may be. */
static unsigned download_longest_s(const struct parameters *p)
{
    size_t longest, count = addresses_count(p->input, &longest);
    return (unsigned)((count + p->workers - 1) / p->workers * (PAGE_S + CONNECT_S));
}

static bool download_tell(struct pool *pool, size_t index, struct told *told)
{
    const struct download_run *run = pool_context(pool);
    const struct page *page = (const struct page *)pool_out(pool) + index;
    if (index >= run->count)
        return false;
    const char *address = (const char *)pool_in(pool) + index * run->item + sizeof page->place;
    if (asprintf(&told->line, "%03d %llu %s", (int)page->status, (unsigned long long)page->bytes, address) < 0)
        told->line = NULL;
    if (page->why[0] && asprintf(&told->beside, "%s: %s", address, page->why) < 0)
        told->beside = NULL;
    return true;
}

static const struct errand download_errand = {
    .wants = "a list of addresses, one on each line",
    .read = download_read,
    .longest_s = download_longest_s,
    .tell = download_tell,
};

const struct workload workload_download = {
    .name = "download",
    .summary = "the workers fetch the pages of a list of addresses",
    .unit = "pages/s",
    .need = NEED_MAP,
    .errand = &download_errand,
    .from_parent = true,
    .unchunked = true,
    .chunk_auto = download_chunk_auto,
    .prepare = download_prepare,
    .objects = download_objects,
    .grain = download_grain,
    .step = download_step,
    .check = download_check,
    .shares = download_shares,
    .release = download_release,
};
