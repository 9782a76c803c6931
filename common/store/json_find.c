/* Walking a dotted path through a JSON object. */
#include "store/json_find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/json.h"

enum { KEY_CAPACITY = 64 };

/* The member or element `key` names, or NULL. */
static const cJSON *step_into(const cJSON *node, const char *key) {
    char *end;
    long index = strtol(key, &end, 10);

    if (!cJSON_IsArray(node))
        return cJSON_GetObjectItemCaseSensitive(node, key);
    return *key && !*end && index >= 0 && index < cJSON_GetArraySize(node)
               ? cJSON_GetArrayItem(node, (int)index)
               : NULL;
}

static const cJSON *walk(const cJSON *node, const char *path) {
    char key[KEY_CAPACITY];

    while (node && *path) {
        size_t length = strcspn(path, ".");
        if (length >= sizeof key)
            return NULL;
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        node = step_into(node, key);
        path += length + (path[length] == '.');
    }
    return node;
}

enum status json_find_number(const char *text, const char *where, const char *path, double *value) {
    cJSON *object = NULL;

    TRY(json_parse_object(text, strlen(text), where, &object));
    const cJSON *found = walk(object, path);
    enum status status = STATUS_OK;
    if (cJSON_IsNumber(found))
        *value = found->valuedouble;
    else
        status = fail(STATUS_FORMAT, "%s has no number at %s", where, path);
    cJSON_Delete(object);
    return status;
}
