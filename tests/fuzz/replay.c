/* Runs one fuzz target over its corpus and over damaged copies of it, as an ordinary test: a fuzzer
 * is not needed to notice that what one has found came back. The sequence is fixed, so that a
 * failure comes again. */
#include "cmocka_all.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 4096, ROUNDS = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static uint64_t draw(uint64_t below)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

/* From a block of that size, so that the sanitizers see a read past its end. */
static void run_exactly(const uint8_t *bytes, size_t length)
{
    uint8_t *exact = malloc(length > 0 ? length : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    LLVMFuzzerTestOneInput(exact, length);
    free(exact);
}

/* Some bytes are others, mostly such as stand elsewhere in the file; a third is cut off too. */
static void run_damaged(const uint8_t *good, size_t length, int round)
{
    uint8_t bytes[FILE_MAX];
    memcpy(bytes, good, length);
    for (int i = 0; i <= round % 4; i++) {
        uint8_t other = draw(4) == 0 ? (uint8_t)draw(256) : good[draw(length)];
        bytes[draw(length)] = other;
    }
    run_exactly(bytes, round % 3 != 0 ? length : (size_t)draw(length));
}

static void corpus_and_damaged_copies_do_no_harm(void **state)
{
    DIR *corpus = opendir(INTERREX_CORPUS);
    unsigned files = 0;
    (void)state;
    if (corpus == NULL)
        fail_msg("%s: no such corpus", INTERREX_CORPUS);
    for (struct dirent *entry = readdir(corpus); entry != NULL; entry = readdir(corpus)) {
        char path[1024];
        uint8_t bytes[FILE_MAX + 1];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", INTERREX_CORPUS, entry->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t length = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        if (length > FILE_MAX)
            fail_msg("%s is larger than %d bytes", path, FILE_MAX);
        files++;
        run_exactly(bytes, length);
        for (int round = 0; round < ROUNDS && length > 0; round++)
            run_damaged(bytes, length, round);
    }
    closedir(corpus);
    assert_true(files >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpus_and_damaged_copies_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
