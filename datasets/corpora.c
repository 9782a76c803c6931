/* The table of known corpora. To add one: its files and one row. */
#include "corpora.h"

#include <stdio.h>
#include <string.h>
#include "base/suggest.h"

static const struct corpus_file enwik8[] = {
    {"enwik8", 100000000, "2b49720ec4d78c3c9fabaee6e4179a5e997302b3a70029f30f2d582218c024a8"},
    {0},
};

static const struct corpus_file enwik9[] = {
    {"enwik9", 1000000000, "159b85351e5f76e60cbe32e04c677847a9ecba3adc79addab6f4c6c7aa3744bc"},
    {0},
};

static const struct corpus_file silesia[] = {
    {"dickens", 10192446, "b24c37886142e11d0ee687db6ab06f936207aa7f2ea1fd1d9a36763c7a507e6a"},
    {"mozilla", 51220480, "657fc3764b0c75ac9de9623125705831ebbfbe08fed248df73bc2dc66e2a963b"},
    {"mr", 9970564, "68637ed52e3e4860174ed2dc0840ac77d5f1a60abbcb13770d5754e3774d53e6"},
    {"nci", 33553445, "fc63a31770947b8c2062d3b19ca94c00485a232bb91b502021948fee983e1635"},
    {"ooffice", 6152192, "e7ee013880d34dd5208283d0d3d91b07f442e067454276095ded14f322a656eb"},
    {"osdb", 10085684, "60f027179302ca3ad87c58ac90b6be72ec23588aaa7a3b7fe8ecc0f11def3fa3"},
    {"reymont", 6627202, "0eac0114a3dfe6e2ee1f345a0f79d653cb26c3bc9f0ed79238af4933422b7578"},
    {"samba", 21606400, "93ba07bc44d8267789c1d911992f40b089ffa2140b4a160fac11ccae9a40e7b2"},
    {"sao", 7251944, "c2d0ea2cc59d4c21b7fe43a71499342a00cbe530a1d5548770e91ecd6214adcc"},
    {"webster", 41458703, "6a68f69b26daf09f9dd84f7470368553194a0b294fcfa80f1604efb11143a383"},
    {"x-ray", 8474240, "7de9fce1405dc44ae5e6813ed21cd5751e761bd4265655a005d39b9685d1c9ad"},
    {"xml", 5345280, "0e82e54e695c1938e4193448022543845b33020c8be6bf3bf3ead2224903e08c"},
    {0},
};

static const struct corpus_file canterbury[] = {
    {"alice29.txt", 152089, "7467306ee0feed4971260f3c87421154a05be571d944e9cb021a5713700c38f0"},
    {"asyoulik.txt", 125179, "eaa3526fe53859f34ecdf255712f9ecf0b2c903451d4755b2edaa2e2599cb0fc"},
    {"cp.html", 24603, "e0cd21cef5b6c4069461e949be100080c3ce887de6f1dd8626c480528efaaf61"},
    {"fields.c", 11150, "85d73e354cc50cec76cb5a50537cf8dc035f8cbb8480f9e1cbe2f7d6c23393c7"},
    {"grammar.lsp", 3721, "1b0805dfc0ae706b35aac2bb4e15f02485efd24dda5dbd29de7b2f84d1a88c15"},
    {"kennedy.xls", 1029744, "9af47239ca29dfe20e633f80bbbb9a4cc9783d0803d7b2b5626f42e4c3790420"},
    {"lcet10.txt", 426754, "5314ba1dbb03f471df88bec6cd120a938ef60d0fd3511c5c1dce61bf7463245f"},
    {"plrabn12.txt", 481861, "07e2e0b461af78c7c647cb53dab39de560198e16f799b4516eccf0fbd69f764c"},
    {"ptt5", 513216, "0ec3a75089bb52342813496b17e51377bc9eba3cb519a444d67025354841d650"},
    {"sum", 38240, "ee5733cd76ecc2f9d8ff156adc3c02a7a851051dcf43a2d56ff4ee4ff606bdb3"},
    {"xargs.1", 4227, "c58aeb5d2d1e12751d47e7412b45784405fc30a5671b03d480fa05776e183619"},
    {0},
};

static const struct corpus_file canterbury_large[] = {
    {"bible.txt", 4047392, "4e0a7e8dff7d9c82dbded57305c0ca3cdd3c4ca014db27121782fe9710f4723f"},
    {"E.coli", 4638690, NULL},
    {"world192.txt", 2473400, "1aebdc97d29904b25791da9aa32be90b69d7da6dc0ac9b95512ed27ed40d2112"},
    {0},
};

#define CANTERBURY "https://corpus.canterbury.ac.nz/resources/"
#define MAHONEY "https://mattmahoney.net/dc/"

const struct corpus corpora[] = {
    {"enwik8", "first 10^8 bytes of English Wikipedia of 2006, XML", "GFDL and CC BY-SA (Wikipedia)", MAHONEY,
     "enwik8.zip", "", "90,5,5", enwik8},
    {"enwik9", "first 10^9 bytes of English Wikipedia of 2006, XML", "GFDL and CC BY-SA (Wikipedia)", MAHONEY,
     "enwik9.zip", "", "90,5,5", enwik9},
    {"silesia", "Silesia corpus: texts, programs, data bases, images",
     "mixed, see its page; free for research", "https://sun.aei.polsl.pl/~sdeor/corpus/", "silesia.zip",
     "silesia", NULL, silesia},
    {"canterbury", "Canterbury corpus: small files of many kinds", "mixed, see its page; free for research",
     CANTERBURY, "cantrbry.tar.gz", "canterbury", NULL, canterbury},
    {"canterbury-large", "Canterbury corpus, large set: Bible, genome, world factbook", "public domain",
     CANTERBURY, "large.tar.gz", "canterbury-large", NULL, canterbury_large},
    {0},
};

enum status corpus_find(const char *name, const struct corpus **corpus) {
    enum { CORPORA = sizeof corpora / sizeof *corpora - 1 };
    const char *names[CORPORA];

    for (int i = 0; i < CORPORA; i++) {
        names[i] = corpora[i].name;
        if (strcmp(name, names[i]) == 0) {
            *corpus = &corpora[i];
            return STATUS_OK;
        }
    }
    const char *nearest = suggest_nearest(name, names, CORPORA);
    if (nearest)
        return fail(STATUS_USAGE, "unknown corpus '%s'; did you mean %s? 'laconic data list' lists all", name,
                    nearest);
    return fail(STATUS_USAGE, "unknown corpus '%s'; 'laconic data list' lists all", name);
}

uint64_t corpus_bytes(const struct corpus *corpus) {
    uint64_t bytes = 0;
    for (const struct corpus_file *file = corpus->files; file->name; file++)
        bytes += file->bytes;
    return bytes;
}

enum status corpus_path(const char *folder, const struct corpus *corpus, const struct corpus_file *file,
                        char **path) {
    const char *slash = corpus->folder[0] ? "/" : "";
    if (asprintf(path, "%s%s%s/%s", folder, slash, corpus->folder, file->name) < 0) {
        *path = NULL;
        return fail(STATUS_MEMORY, "no memory for the name of %s", file->name);
    }
    return STATUS_OK;
}
