/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_address.c - where a manager serves: addresses as text, and paths with those who hold them. */
#include "bench/ipc/hub.h"
#include "bench/ipc/reach.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static const unsigned char right[] = "sixteen bytes or more";

/* --- addresses --------------------------------------------------------------------------------------------------- */

static void addresses_are_read(void)
{
    struct address a;
    CU_ASSERT_EQUAL(address_parse(&a, "unix:/run/x:y", NULL), 0);
    CU_ASSERT(a.local);
    CU_ASSERT_STRING_EQUAL(a.path, "/run/x:y");
    CU_ASSERT_EQUAL(address_parse(&a, "tcp:example.org:7000", NULL), 0);
    CU_ASSERT_STRING_EQUAL(a.host, "example.org");
    CU_ASSERT_STRING_EQUAL(a.port, "7000");
    CU_ASSERT_EQUAL(address_parse(&a, "tcp:[::1]:0", NULL), 0);
    CU_ASSERT_STRING_EQUAL(a.host, "::1");
    CU_ASSERT_EQUAL(address_parse(&a, "tcp:65535", NULL), 0);
    CU_ASSERT_STRING_EQUAL(a.host, "");
}

static void what_is_no_address_is_told(void)
{
    static const char *const bad[] = {"",           "/run/x",         "unix:",         "tcp:",     "tcp:host",
                                      "tcp:host:",  "tcp:host:65536", "tcp:h:-1",      "tcp:h:7a", "tcp:::1:7000",
                                      "udp:h:7000", "tcp:h:+7",       "tcp:h:00007000"};
    char longest[400] = "unix:";
    struct address a;
    struct error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(address_parse(&a, bad[i], &error), -1);
        CU_ASSERT_EQUAL(error.code, ERROR_USE);
    }
    memset(longest + 5, 'x', 108);
    CU_ASSERT_EQUAL(address_parse(&a, longest, &error), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "107"));
}

static void a_port_of_0_is_told(void)
{
    struct address a;
    struct listener l;
    char text[ADDRESS_TEXT];
    CU_ASSERT_EQUAL_FATAL(address_parse(&a, "tcp:0", NULL), 0);
    CU_ASSERT_EQUAL_FATAL(address_listen(&a, &l, NULL), 0);
    place_print(&l.place, text);
    CU_ASSERT_EQUAL(strncmp(text, "tcp:127.0.0.1:", 14), 0);
    CU_ASSERT(strtol(text + 14, NULL, 10) > 0);
    CU_ASSERT_EQUAL(address_parse(&a, text, NULL), 0);
    int fd = address_connect(&a, hub_now() + SECOND, NULL, NULL);
    CU_ASSERT(fd >= 0);
    close(fd);
    listener_close(&l);
    struct error error;
    CU_ASSERT_EQUAL(address_connect(&a, hub_now() + SECOND, NULL, &error), -1);
    CU_ASSERT_EQUAL(error.sys_errno, ECONNREFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, text));
}

static void ipv6_is_served(void)
{
    struct address a;
    struct listener l;
    struct error error;
    char text[ADDRESS_TEXT];
    CU_ASSERT_EQUAL_FATAL(address_parse(&a, "tcp:[::1]:0", NULL), 0);
    if (address_listen(&a, &l, &error)) {
        frame_skip("this machine has no IPv6 loopback");
        return;
    }
    place_print(&l.place, text);
    CU_ASSERT_EQUAL(strncmp(text, "tcp:[::1]:", 10), 0);
    CU_ASSERT_EQUAL(address_parse(&a, text, NULL), 0);
    int fd = address_connect(&a, hub_now() + SECOND, NULL, NULL);
    CU_ASSERT(fd >= 0);
    close(fd);
    listener_close(&l);
}

static void a_name_is_found_or_told(void)
{
    struct address a;
    struct listener l;
    struct error error;
    CU_ASSERT_EQUAL(address_parse(&a, "tcp:localhost:0", NULL), 0);
    CU_ASSERT_EQUAL(address_listen(&a, &l, NULL), 0);
    listener_close(&l);
    CU_ASSERT_EQUAL(address_parse(&a, "tcp:no such name:7000", NULL), 0);
    CU_ASSERT_EQUAL(address_connect(&a, hub_now() + SECOND, NULL, &error), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "cannot find the host 'no such name'"));
}

/* --- paths ------------------------------------------------------------------------------------------------------- */

static struct address in_folder(const char *name)
{
    struct address a = {.local = true};
    CU_ASSERT((size_t)snprintf(a.path, sizeof a.path, "%s/%s", frame_folder(), name) < sizeof a.path);
    return a;
}

static void nothing_is_left_of_a_path(void)
{
    struct address a = in_folder("s");
    struct listener l;
    CU_ASSERT_EQUAL_FATAL(address_listen(&a, &l, NULL), 0);
    CU_ASSERT_EQUAL(access(a.path, F_OK), 0);
    listener_close(&l);
    CU_ASSERT_EQUAL(access(a.path, F_OK), -1);
    CU_ASSERT_EQUAL(rmdir(frame_folder()), 0);
    CU_ASSERT_EQUAL(mkdir(frame_folder(), 0700), 0);
}

static void a_stale_path_is_taken_over(void)
{
    struct address a = in_folder("stale");
    struct listener l, next;
    CU_ASSERT_EQUAL_FATAL(address_listen(&a, &l, NULL), 0);
    listener_leave(&l);
    CU_ASSERT_EQUAL(access(a.path, F_OK), 0);
    CU_ASSERT_EQUAL(address_listen(&a, &next, NULL), 0);
    int fd = address_connect(&a, hub_now() + SECOND, NULL, NULL);
    CU_ASSERT(fd >= 0);
    close(fd);
    listener_close(&next);
}

static int interruptions, lock_errno;
int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);

int __wrap_flock(int fd, int how)
{
    if (interruptions > 0)
        return interruptions--, errno = EINTR, -1;
    return lock_errno ? errno = lock_errno, -1 : __real_flock(fd, how);
}

static void a_lock_that_cannot_be_had_is_told(void)
{
    struct address a = in_folder("locked");
    struct listener l;
    struct error error;
    interruptions = 2;
    CU_ASSERT_EQUAL(address_listen(&a, &l, &error), 0);
    listener_close(&l);
    lock_errno = ENOLCK;
    CU_ASSERT_EQUAL(address_listen(&a, &l, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_SYSTEM);
    CU_ASSERT_EQUAL(error.sys_errno, ENOLCK);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "cannot lock unix:"));
    lock_errno = interruptions = 0;
}

static void a_served_path_is_not_taken(void)
{
    struct address a = in_folder("served");
    struct listener l, second;
    struct error error;
    CU_ASSERT_EQUAL_FATAL(address_listen(&a, &l, NULL), 0);
    CU_ASSERT_EQUAL(address_listen(&a, &second, &error), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "another manager serves"));
    /* one that serves without the lock file is found all the same */
    close(l.lock);
    l.lock = -1;
    CU_ASSERT_EQUAL(address_listen(&a, &second, &error), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "another program serves"));
    int fd = address_connect(&a, hub_now() + SECOND, NULL, NULL);
    CU_ASSERT(fd >= 0);
    close(fd);
    listener_close(&l);
}

static void a_path_that_cannot_be_is_told(void)
{
    struct address a = in_folder("no/such"), file = in_folder("file");
    struct listener l;
    struct error error;
    CU_ASSERT_EQUAL(address_listen(&a, &l, &error), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "folder does not exist"));
    close(open(file.path, O_CREAT | O_WRONLY, 0600));
    CU_ASSERT_EQUAL(address_listen(&file, &l, &error), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "no socket"));
    CU_ASSERT_EQUAL(access(file.path, F_OK), 0);
}

/* --- reaching ---------------------------------------------------------------------------------------------------- */

static void a_key_that_will_not_do_is_told_before(void)
{
    struct error error;
    CU_ASSERT_EQUAL(reach_probe(&(struct manager_at){.address = "tcp:1"}, &error), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "wants a key"));
    CU_ASSERT_EQUAL(reach_probe(&(struct manager_at){.address = "tcp:1", .key = right, .key_bytes = 15}, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_USE);
    CU_ASSERT_EQUAL(reach_probe(&(struct manager_at){.address = "unix:/no/such/path"}, &error), -1);
    CU_ASSERT_EQUAL(error.code, ERROR_SYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "unix:/no/such/path"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"address: addresses are read", addresses_are_read, 0},
        {"address: what is no address is told", what_is_no_address_is_told, 0},
        {"address: a port of 0 is told", a_port_of_0_is_told, 0},
        {"address: IPv6 is served", ipv6_is_served, 0},
        {"address: a name is found, or told", a_name_is_found_or_told, 60},
        {"address: nothing is left of a path", nothing_is_left_of_a_path, 0},
        {"address: a stale path is taken over", a_stale_path_is_taken_over, 0},
        {"address: a served path is not taken", a_served_path_is_not_taken, 0},
        {"address: a lock that cannot be had is told", a_lock_that_cannot_be_had_is_told, 0},
        {"address: a path that cannot be is told", a_path_that_cannot_be_is_told, 0},
        {"address: a key that will not do is told before", a_key_that_will_not_do_is_told_before, 0},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
