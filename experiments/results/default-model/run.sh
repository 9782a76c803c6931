#!/usr/bin/env bash
# Trains the model that the tools come with and packs it. Needs a build.
#
#     experiments/results/default-model/run.sh CORPORA OUTPUT-FOLDER [OPTION of laconic train...]
#
# CORPORA holds enwik8.first3600000 (taken twice: it is the most varied), dickens, silesia-xml, bible.txt, world192.txt.
# The last 2 % of each are held out. OUTPUT-FOLDER gets the data set, the run and default.h5, for infer/models/.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
corpora=$1 out=$2
shift 2
cd "$(dirname "$0")/../../.." && mkdir -p "$out"
laconic=${LACONIC:-$PWD/build/laconic}
wiki=$corpora/enwik8.first3600000
"$laconic" data make -q "$wiki" "$wiki" "$corpora"/{dickens,silesia-xml,bible.txt,world192.txt} --chunk 512 --split 98,2,0 \
    -o "$out/texts.h5"
"$laconic" train configs/default.json --data "$out/texts.h5" -o "$out/run" "$@"
"$laconic" pack "$out/run/checkpoint.h5" --title "English text and markup" -o "$out/default.h5" -f
