#!/bin/sh
# A task of kills_test.py: says in the file EFFECTS what it does, a line in one write each, and prints numbered lines, so
# that it can be told afterwards how often it ran and whether its output is all there.
#
#   kills_job.sh EFFECTS [lines=N] [steps=N] [fails=N] [end=succeeds|fails|hangs] [daemon=quiet|loud|bare]
#                [makes=LINES] [takes=ARTIFACT]...
#
# Lines of EFFECTS: EVENT RUN PROJECT TASK HOST ATTEMPT DETAIL. The first `fails` of its ends are failures.
set -eu
effects=$1
shift
lines=1 steps=1 fails=0 end=succeeds daemon='' makes=0 takes=''
for word in "$@"; do
  case $word in
    takes=*) takes="$takes ${word#*=}" ;;
    lines=* | steps=* | fails=* | end=* | daemon=* | makes=*) eval "${word%%=*}=\${word#*=}" ;;
    *) echo "unknown word $word" >&2; exit 2 ;;
  esac
done

say() {
  printf '%s %s %s %s %s %s %s\n' "$1" "$CROMT_RUN" "$CROMT_PROJECT" "$CROMT_TASK" "$CROMT_HOST" "$CROMT_ATTEMPT" "${2:--}" \
    >>"$effects"
}
me=$CROMT_TASK.$CROMT_ATTEMPT
ended=$(grep -c "^end $CROMT_RUN $CROMT_PROJECT $CROMT_TASK " "$effects" || :)
say start
for name in $takes; do
  say took "$name=$(sha256sum <".artifacts/$name" | cut -c 1-64)"
done

# What is left behind when the task has ended: nobody may find it afterwards.
case $daemon in
  quiet) (setsid sleep 1000 </dev/null >/dev/null 2>&1 &) ;;
  loud) (setsid sleep 1000 &) ;; # holds the task's pipes open
  bare) (setsid env -i /bin/sh -c 'while :; do sleep 0.2; done' "$effects" </dev/null >/dev/null 2>&1 &) ;;
esac

from=1
for step in $(seq "$steps"); do
  [ "$step" = 1 ] || sleep 0.05 # it is at work
  to=$((lines * step / steps))
  seq -f "$me out %g" "$from" "$to"
  echo "$me err $step" >&2
  from=$((to + 1))
done
if [ "$makes" != 0 ] && ! seq -f "$CROMT_RUN.$me made %g" "$makes" >made 2>/dev/null; then
  say full
  exit 9
fi
if [ "$end" = hangs ]; then
  say hangs
  exec sleep 1000
fi
say end
[ "$end" = succeeds ] && [ "$ended" -ge "$fails" ] || exit 7
