/* The size of a model as it is stored for use. */
#include "model_size.h"

#include "base/trial.h"

static enum status is_packed(const char *path, bool *packed) {
    struct h5_file *file = NULL;
    struct model_label label = {0};
    TRY(h5_open(&file, path));
    enum status status = model_label_read(file, &label);
    h5_close(file);
    *packed = label.packed;
    return status;
}

enum status model_size(const char *path, const struct model_pair *pair, uint64_t *bytes) {
    struct trial trial;
    bool packed;
    TRY(is_packed(path, &packed));
    if (packed)
        return trial_measure(path, bytes);
    TRY(trial_open(&trial, "laconic-pack"));
    enum status status = model_pair_pack(trial.archive, pair, "");
    if (status == STATUS_OK)
        status = trial_measure(trial.archive, bytes);
    trial_close(&trial);
    return status;
}
