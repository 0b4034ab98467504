#!/bin/bash
# A Ray cluster on the nodes of a Slurm job, for as long as one command of biorat-al runs on it.
#
#   sbatch ray-on-slurm.sh simulate --documents train.txt --test-documents dev.txt --entity Disease --output study
#
# Change the lines below to what your cluster has. Submit the same command again if the job was ended: it goes on where
# it stopped. The environment with biorat-al (BIORAT_VENV, or .venv in this folder) and the encoder must be where every
# node finds them; the documents and the output are used on the first node only.
#
#SBATCH --job-name=biorat-al
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --time=12:00:00
# with GPUs, take one of the two number signs away:
##SBATCH --gpus-per-node=1

set -euo pipefail

# shellcheck source=/dev/null
source "${BIORAT_VENV:-.venv}/bin/activate"

# nobody else on these machines may use the cluster: it takes commands only from who knows this job's token
RAY_AUTH_TOKEN="$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
export RAY_AUTH_TOKEN
export RAY_AUTH_MODE=token
export RAY_USAGE_STATS_ENABLED=0

cores="${SLURM_CPUS_PER_TASK:-1}"
first="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"
on_first=(srun --overlap --nodes=1 --ntasks=1 --cpus-per-task="$cores" --nodelist="$first")

# a machine with several addresses prints them all: the first is taken
read -r ip _ < <("${on_first[@]}" hostname --all-ip-addresses)
address="$ip:$((20000 + SLURM_JOB_ID % 20000))"

end_ray() {
    jobs -p | xargs -r kill 2>/dev/null || true
}
trap end_ray EXIT

"${on_first[@]}" ray start --block --head --node-ip-address="$ip" --port="${address##*:}" --num-cpus="$cores" \
    --include-dashboard=false --disable-usage-stats --temp-dir="/tmp/ray-$SLURM_JOB_ID" &

if ((SLURM_JOB_NUM_NODES > 1)); then
    others=$((SLURM_JOB_NUM_NODES - 1))
    # a node that comes before the first one is up tries for a while
    sleep 20
    srun --overlap --nodes="$others" --ntasks="$others" --cpus-per-task="$cores" --exclude="$first" \
        ray start --block --address="$address" --num-cpus="$cores" --disable-usage-stats &
fi

# all nodes are looked at when the command begins, so it waits for them
"${on_first[@]}" python - "$address" "$SLURM_JOB_NUM_NODES" <<'EOF'
import sys, time
import ray

address, wanted = sys.argv[1], int(sys.argv[2])
for attempt in range(60):
    try:
        ray.init(address=address, log_to_driver=False, ignore_reinit_error=True)
        if sum(node["Alive"] for node in ray.nodes()) >= wanted:
            sys.exit()
    except (ConnectionError, RuntimeError) as error:
        print(f"Ray is not up yet: {error}", file=sys.stderr)
    time.sleep(5)
sys.exit("not all nodes have joined the Ray cluster after 5 minutes; see what ray start printed above")
EOF

"${on_first[@]}" biorat-al "$@" --ray "$address"
