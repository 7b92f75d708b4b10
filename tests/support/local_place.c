/* See local_place.h. */
#include "local_place.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

int place_make(void **state)
{
    char path[TEMP_PATH_MAX];
    place *made = calloc(1, sizeof *made);
    if (!made)
        return 1;
    temp_make(path);
    snprintf(made->directory, sizeof made->directory, "%s", path);
    snprintf(made->url, sizeof made->url, "local://%s", path);
    made->loop = ev_loop_new(EVFLAG_NOENV);
    *state = made;
    return 0;
}

int place_remove(void **state)
{
    place *made = *state;
    ev_loop_destroy(made->loop);
    temp_remove(made->directory);
    free(made);
    return 0;
}

peer_seat *place_member(place *where, const char *name)
{
    return peer_sit(peer_open(&irx__medium_local, where->loop, where->url, PLACE_NAMESPACE), name,
                    "here");
}

const char *place_file(const place *where, const char *name, const char *file)
{
    static char paths[2][512];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, sizeof paths[0], "%s/" PLACE_NAMESPACE "/%s/%s", where->directory, name, file);
    return path;
}

const char *place_session_file(const place *where, const char *name, irx_id session)
{
    char digits[33];
    irx_id_print(session, digits);
    return place_file(where, name, digits);
}

const char *place_read(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

void place_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

int place_count(const char *path, const char *part)
{
    int count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.' && strstr(entry->d_name, part) != NULL;
    closedir(directory);
    return count;
}
