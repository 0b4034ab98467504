"""The faults that ``plant.py`` plants: each a plausible slip in a place where it would be costly.

The first thirteen are those that the suite once missed. Whoever changes a line that is named here plants its fault anew
in what came in its place; a test in this folder fails until that is done.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A fault, and the tests that are to find it.

    :param name: what goes wrong, in a few words.
    :param file: of the package, by its path in the project.
    :param old: the text that is exchanged.
    :param new: what comes in its place.
    :param tests: as pytest takes them; one of them has to fail.
    :param postgres: whether they are tests on Postgres; such are left out elsewhere.
    :param places: how often `old` stands in the file, all of which are exchanged; None: any number from 1 on.
    :param also: further texts of the file and what comes in their places, where one does not make the fault.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    places: int | None = 1
    postgres: bool = False
    also: tuple[tuple[str, str], ...] = ()

    @property
    def area(self) -> str:
        """The folder of the package that it is planted in."""
        return self.file.split("/")[1]


_LATE = "tests/rounds/steps/test_late_push.py"
_RUNNER = "tests/rounds/test_runner.py"
_SEEDS = "tests/rounds/test_seeds.py"
_TASKS = "tests/store/test_tasks.py"
_REVISIONS = "tests/store/test_revisions.py"
_WRITERS = "tests/store/test_writers.py"
_FEWER = "tests/desk/labelstudio/test_fewer_ids_than_tasks.py"
_SELECTION = "tests/acquisition/test_selection.py"
_STRATEGIES = "tests/acquisition/test_strategies.py"
_SETS = "tests/acquisition/test_sets.py"
_STOPPING = "tests/acquisition/test_stopping.py"
_ORACLE = "tests/desk/test_oracle.py"

MISSED = (
    Fault(
        "a skipped step is run again on resuming",
        "biorat_al/rounds/runner.py",
        'if row.state in ("done", "skipped"):',
        'if row.state == "done":',
        ("tests/rounds/test_resuming.py::test_a_step_that_was_skipped_is_not_run_again",),
    ),
    Fault(
        "a late push is looked for once only",
        "biorat_al/rounds/steps/push.py",
        "        time.sleep(0.5)\n",
        "        break\n",
        (f"{_LATE}::test_tasks_that_arrive_late_are_waited_for_and_not_sent_again",),
    ),
    Fault(
        "a late push is given no time by the round",
        "biorat_al/rounds/steps/push.py",
        "context.desk.settle_seconds",
        "0.0",
        (_LATE,),
        places=None,
    ),
    Fault(
        "a late push is given no time by Label Studio's desk",
        "biorat_al/desk/labelstudio/client.py",
        "settle_seconds = 20.0",
        "settle_seconds = 0.0",
        (f"{_LATE}::test_label_studio_is_given_time_for_an_import_that_was_cut_off",),
    ),
    Fault(
        "a batch goes out highest confidence first",
        "biorat_al/rounds/steps/push.py",
        "proposed[document_id].confidence if",
        "-proposed[document_id].confidence if",
        ("tests/rounds/steps/test_order_of_a_batch.py",),
    ),
    Fault(
        "each arm is trained with another seed",
        "biorat_al/rounds/steps/train.py",
        'seed=context.seed("train")',
        'seed=context.seed(f"train {arm}")',
        (f"{_SEEDS}::test_all_arms_of_a_round_are_trained_with_one_seed_on_the_same_documents",),
        places=None,
    ),
    Fault(
        "a budget in word pieces of the settings is ignored",
        "biorat_al/rounds/steps/select.py",
        "return Budget(tokens=selection.tokens) if selection.tokens is not None else Budget(documents=selection.size)",
        "return Budget(documents=selection.size)",
        ("tests/rounds/test_budget.py",),
    ),
    Fault(
        "every round selects with seed 0",
        "biorat_al/rounds/steps/select.py",
        'seed=context.seed("select"), diverse',
        "seed=0, diverse",
        (f"{_SEEDS}::test_another_seed_picks_other_documents_at_random",),
    ),
    Fault(
        "the advisory lock is a shared one",
        "biorat_al/rounds/lock.py",
        "_lock(:key)",
        "_lock_shared(:key)",
        ("tests/rounds/test_one_round_on_two_machines.py",),
        postgres=True,
    ),
    Fault(
        "an answer that became a skip at the same stamp is taken for known",
        "biorat_al/store/revisions.py",
        '        and answer.skipped == last.row.skipped\n        and columns.get("ground_truth"',
        '        and columns.get("ground_truth"',
        (f"{_TASKS}::test_an_answer_that_became_a_skip_no_longer_counts_though_its_time_is_the_same",),
    ),
    Fault(
        "writers begin as readers",
        "biorat_al/store/database/engine.py",
        '"BEGIN IMMEDIATE" if writing',
        '"BEGIN" if writing',
        (f"{_WRITERS}::test_two_writers_that_both_read_first_come_one_after_the_other",),
    ),
    Fault(
        "what is committed need not be on the disk",
        "biorat_al/store/database/engine.py",
        "synchronous = FULL",
        "synchronous = OFF",
        (f"{_WRITERS}::test_what_is_committed_is_on_the_disk",),
    ),
    Fault(
        "fewer ids than tasks are accepted",
        "biorat_al/desk/labelstudio/pushing.py",
        "len(keys) or answer.get",
        "len(ids) or answer.get",
        (f"{_FEWER}::test_fewer_ids_than_tasks_are_refused",),
        also=(("map(str, ids), strict=True)", "map(str, ids), strict=False)"),),
    ),
)
"""What the suite missed once: the tests that find these were written for them."""

ROUNDS = (
    Fault(
        "a resumed round takes the settings of today",
        "biorat_al/rounds/runner.py",
        "            settings = settings_of(session, row, settings)\n",
        "",
        (f"{_RUNNER}::test_a_round_that_was_cut_off_keeps_to_the_settings_its_models_were_trained_with",),
    ),
    Fault(
        "a resumed round takes the request of today",
        "biorat_al/rounds/runner.py",
        "            request = _same_request(row, request)\n",
        "",
        (f"{_RUNNER}::test_a_round_that_was_cut_off_keeps_to_what_it_was_asked",),
    ),
    Fault(
        "a round that waited does not fetch again",
        "biorat_al/rounds/runner.py",
        '.state = "pending"',
        '.state = "done"',
        (f"{_RUNNER}::test_a_round_waits_for_annotators_and_says_how_many_tasks_are_open",),
    ),
    Fault(
        "a round is never marked as done",
        "biorat_al/rounds/runner.py",
        'row.state, row.ended_at = "done", now()',
        "row.ended_at = now()",
        ("tests/rounds/test_resuming.py::test_a_round_that_is_done_is_not_begun_again",),
    ),
    Fault(
        "the holder of the lock stays written down",
        "biorat_al/rounds/lock.py",
        "written.unlink(missing_ok=True)",
        "pass",
        ("tests/rounds/test_resuming.py::test_nobody_is_said_to_hold_a_project_whose_round_has_ended",),
    ),
    Fault(
        "answers on test documents are never fetched",
        "biorat_al/desk/base.py",
        'ROLES: tuple[Role, ...] = ("pool", "test")',
        'ROLES: tuple[Role, ...] = ("pool",)',
        ("tests/rounds/steps/test_pull.py::test_answers_on_test_documents_are_fetched_and_measured_by",),
    ),
    Fault(
        "the cursor of a pull is forgotten",
        "biorat_al/rounds/steps/pull.py",
        "            row.cursor = pull.cursor\n",
        "            pass\n",
        ("tests/rounds/steps/test_pull.py::test_each_pull_goes_on_where_the_last_one_ended",),
    ),
    Fault(
        "the counts of a round that waited begin anew",
        "biorat_al/rounds/steps/pull.py",
        "before.get(name, 0)",
        "0",
        (f"{_RUNNER}::test_a_round_waits_for_annotators_and_says_how_many_tasks_are_open",),
    ),
    Fault(
        "what an interrupted push has sent is not looked for",
        "biorat_al/rounds/steps/push.py",
        "    _settle(context, project, documents, proposed)\n",
        "",
        (_LATE,),
    ),
    Fault(
        "a push is not noted before it is sent",
        "biorat_al/rounds/steps/push.py",
        "                intend_push(session, project.role, some, context.number, now())\n",
        "                pass\n",
        (f"{_LATE}::test_tasks_that_never_arrive_are_sent_when_the_time_is_over",),
    ),
    Fault(
        "open tasks that got newer pre-labels keep the old version",
        "biorat_al/rounds/steps/push.py",
        "                task.shown_version = version\n",
        "                pass\n",
        (f"{_RUNNER}::test_partial_goes_on_and_gives_open_tasks_newer_pre_labels",),
    ),
    Fault(
        "newer pre-labels are not shown",
        "biorat_al/rounds/steps/push.py",
        "        context.desk.publish(pool, version)\n",
        "        pass\n",
        ("tests/rounds/test_selecting_arm.py",),
    ),
    Fault(
        "test documents are asked for with pre-labels",
        "biorat_al/rounds/steps/push.py",
        "_push(context, test, sorted(blind), {})",
        '_push(context, test, sorted(blind), {i: PreAnnotation("m", 0.5, ()) for i in blind})',
        ("tests/rounds/steps/test_pull.py::test_test_documents_are_asked_for_without_pre_labels",),
    ),
    Fault(
        "the first arm pre-labels, whichever is to select",
        "biorat_al/rounds/steps/push.py",
        "models_of(session, context.number).get(settings.training.selecting_arm)",
        "next(iter(models_of(session, context.number).values()), None)",
        ("tests/rounds/test_selecting_arm.py",),
    ),
    Fault(
        "the first arm predicts the pool, whichever is to select",
        "biorat_al/rounds/steps/predict.py",
        "models_of(session, context.number).get(settings.training.selecting_arm)",
        "next(iter(models_of(session, context.number).values()), None)",
        ("tests/rounds/test_selecting_arm.py",),
    ),
    Fault(
        "the first arm selects, whichever is to select",
        "biorat_al/rounds/steps/select.py",
        "models_of(session, context.number).get(context.settings.training.selecting_arm)",
        "next(iter(models_of(session, context.number).values()), None)",
        ("tests/rounds/test_selecting_arm.py",),
    ),
    Fault(
        "the strategy for the first batch chooses every batch",
        "biorat_al/rounds/steps/select.py",
        "selection.strategy if model else selection.seed_strategy",
        "selection.seed_strategy",
        (f"{_RUNNER}::test_the_second_round_learns_measures_predicts_and_asks",),
    ),
    Fault(
        "picks are counted from 0",
        "biorat_al/rounds/steps/select.py",
        "enumerate(picks, start=1)",
        "enumerate(picks)",
        ("tests/rounds/steps/test_select.py::test_picks_are_counted_from_one",),
    ),
    Fault(
        "named documents are picked in the order of their ids",
        "biorat_al/rounds/steps/select.py",
        "key=lambda one: place[one[0]])",
        "key=lambda one: one[0])",
        ("tests/rounds/steps/test_select.py::TestNamed",),
    ),
    Fault(
        "every round has the same seeds",
        "biorat_al/rounds/context.py",
        "derive_seed(self.settings.seed, purpose, self.number)",
        "derive_seed(self.settings.seed, purpose)",
        (f"{_SEEDS}::test_all_arms_of_a_round_are_trained_with_one_seed_on_the_same_documents",),
    ),
    Fault(
        "words of a purpose run into each other",
        "biorat_al/rounds/seeds.py",
        '"\\0".join',
        '"".join',
        (f"{_SEEDS}::test_words_that_run_into_each_other_are_not_one_purpose",),
    ),
    Fault(
        "a round goes on over open tasks",
        "biorat_al/rounds/readiness.py",
        "if open_tasks and not partial:",
        "if open_tasks and partial:",
        ("tests/rounds/test_readiness.py",),
    ),
    Fault(
        "the preferred annotator has no say in training",
        "biorat_al/rounds/steps/train.py",
        "for decision in decisions(session, chosen, prefer=prefer)",
        "for decision in decisions(session, chosen)",
        (
            "tests/people/test_disputes.py::test_the_preferred_annotator_of_the_settings_decides_in_training_status_and_export",
        ),
    ),
    Fault(
        "what is disputed is learnt as not there",
        "biorat_al/rounds/steps/train.py",
        "                decision.majority.disputed,\n",
        "",
        ("tests/people/test_disputes.py::test_training_is_given_the_disputed_mentions_and_counts_them",),
    ),
    Fault(
        "models are measured on the pool",
        "biorat_al/rounds/steps/evaluate.py",
        'chosen = answers(session, "test", with_gold=True, prefer=prefer)',
        'chosen = answers(session, "pool", with_gold=True, prefer=prefer)',
        ("tests/rounds/steps/test_pull.py::test_answers_on_test_documents_are_fetched_and_measured_by",),
    ),
)

STORE = (
    Fault(
        "a confirmed push is confirmed again",
        "biorat_al/store/tasks.py",
        'select(TaskRow).where(TaskRow.document_id.in_(chunk), TaskRow.state == "pushing")',
        "select(TaskRow).where(TaskRow.document_id.in_(chunk))",
        (f"{_TASKS}::test_an_interrupted_push_leaves_a_trace_and_is_confirmed_once",),
    ),
    Fault(
        "a repeated push is dated as the first",
        "biorat_al/store/tasks.py",
        ".values(intent_at=at)",
        ".values(drafts=0)",
        (f"{_TASKS}::test_an_interrupted_push_leaves_a_trace_and_is_confirmed_once",),
    ),
    Fault(
        "a task that wants a second answer counts as done",
        "biorat_al/store/tasks.py",
        '& (TaskRow.seats > 0), "open")',
        '& (TaskRow.seats > 9), "open")',
        (f"{_REVISIONS}::test_a_task_that_two_are_to_answer_is_open_until_both_have",),
    ),
    Fault(
        "a round has nothing to do where answers were only deleted",
        "biorat_al/store/tasks.py",
        "recent = or_(AnnotationRow.fetched_round == round_number, AnnotationRow.deleted_at >= began)",
        "recent = AnnotationRow.fetched_round == round_number",
        ("tests/store/test_rounds.py::test_a_round_has_work_where_answers_were_only_deleted",),
    ),
    Fault(
        "a changed answer replaces the one before",
        "biorat_al/store/tasks.py",
        "        last.current = False\n        if last.updated_at",
        "        if last.updated_at",
        (f"{_TASKS}::test_an_edit_is_a_further_row",),
    ),
    Fault(
        "ground truth counts no more than others",
        "biorat_al/store/answers.py",
        "            AnnotationRow.ground_truth.desc(),\n",
        "",
        (f"{_TASKS}::test_ground_truth_counts_before_the_latest",),
    ),
    Fault(
        "of a person's answers the first counts",
        "biorat_al/store/answers.py",
        "AnnotationRow.updated_at.desc(),",
        "AnnotationRow.updated_at.asc(),",
        ("tests/store/test_answers.py",),
    ),
    Fault(
        "answers on another text count",
        "biorat_al/store/answers.py",
        "            AnnotationRow.usable.is_(True),\n",
        "",
        (f"{_TASKS}::test_an_answer_on_another_text_is_kept_and_does_not_count",),
    ),
    Fault(
        "skips count as empty answers",
        "biorat_al/store/answers.py",
        "            AnnotationRow.skipped.is_(False),\n",
        "",
        (f"{_TASKS}::test_an_empty_answer_a_skip_and_no_answer_are_three_things",),
    ),
    Fault(
        "model output in a person's name counts",
        "biorat_al/store/answers.py",
        "            AnnotationRow.made_from.is_(None),\n        )\n        .order_by(",
        "        )\n        .order_by(",
        (f"{_REVISIONS}::test_model_output_never_outvotes_people_and_is_no_news",),
    ),
    Fault(
        "an answer votes beside what another made of it",
        "biorat_al/store/answers.py",
        "votes = [vote for vote in given if not vote.superseded]",
        "votes = list(given)",
        (f"{_REVISIONS}::test_an_answer_that_somebody_else_changed_is_that_persons_revision_beside_the_first",),
    ),
    Fault(
        "agreement is measured on answers that were seen by the other",
        "biorat_al/store/answers.py",
        'if vote.source == "person" and vote.revises is None]',
        'if vote.source == "person"]',
        (f"{_REVISIONS}::test_an_answer_begun_as_a_copy_counts_and_is_not_independent",),
    ),
    Fault(
        "the simulated annotator answers from what people said",
        "biorat_al/store/answers.py",
        '.where(DocumentRow.key.in_(some), AnnotationRow.source == "gold")',
        ".where(DocumentRow.key.in_(some))",
        ("tests/store/test_answers.py",),
    ),
    Fault(
        "half of the annotators are a majority",
        "biorat_al/store/consensus/majority.py",
        "        kept = self.preferred in votes\n",
        "        kept = True\n",
        ("tests/store/consensus/test_majority.py",),
    ),
    Fault(
        "the oldest model predicts",
        "biorat_al/store/models.py",
        "order_by(ModelRow.round_number.desc())",
        "order_by(ModelRow.round_number)",
        ("tests/store/test_rounds.py",),
    ),
    Fault(
        "any arm's model predicts",
        "biorat_al/store/models.py",
        "select(ModelRow).where(ModelRow.selecting.is_(True)).order_by",
        "select(ModelRow).order_by",
        ("tests/store/test_rounds.py",),
    ),
    Fault(
        "what annotators were shown is forgotten",
        "biorat_al/store/models.py",
        "PredictionRow.model_version != keep_version, ~asked",
        "PredictionRow.model_version != keep_version",
        ("tests/store/test_rounds.py",),
    ),
    Fault(
        "documents are asked for twice",
        "biorat_al/store/picks.py",
        "        ~exists().where(TaskRow.document_id == DocumentRow.id),\n",
        "",
        (f"{_TASKS}::test_documents_that_were_never_asked_for_are_listed_and_counted",),
    ),
    Fault(
        "test documents with gold are asked for",
        "biorat_al/store/picks.py",
        "~exists().where(TaskRow.document_id == DocumentRow.id), _has_no_gold())",
        "~exists().where(TaskRow.document_id == DocumentRow.id))",
        ("tests/store/test_rounds.py",),
    ),
    Fault(
        "an answer whose relations alone changed is taken for known",
        "biorat_al/store/revisions.py",
        "relations = Counter(relation_keys(annotation).values())",
        "relations: Counter[Hashable] = Counter()",
        ("tests/store/test_what_an_answer_says.py",),
    ),
    Fault(
        "an answer whose concepts alone changed is taken for known",
        "biorat_al/store/revisions.py",
        "frozenset(entity.concepts), ",
        "",
        ("tests/store/test_what_an_answer_says.py",),
    ),
    Fault(
        "an answer whose text changed back is taken for known",
        "biorat_al/store/revisions.py",
        '        and columns.get("usable", True) == last.row.usable\n',
        "",
        ("tests/store/test_what_an_answer_says.py",),
    ),
    Fault(
        "a writer does not wait for another program",
        "biorat_al/store/database/engine.py",
        "_BUSY_SECONDS = 30",
        "_BUSY_SECONDS = 0",
        (f"{_WRITERS}::test_a_writer_that_another_program_keeps_waiting_gets_its_turn",),
    ),
    Fault(
        "the test set does not depend on the seed",
        "biorat_al/store/documents.py",
        'f"{seed}\\0{key}"',
        'f"\\0{key}"',
        ("tests/store/test_creation.py::test_the_test_set_depends_on_the_seed_and_not_on_the_order",),
    ),
    Fault(
        "documents with the text of a test document stay in the pool",
        "biorat_al/store/creation.py",
        "report.leaks = remove_leaks(session)",
        "report.leaks = 0",
        ("tests/store/test_creation.py",),
    ),
)

DESK = (
    Fault(
        "one key may be given to two tasks",
        "biorat_al/desk/checks.py",
        "if not task.key or task.key in seen:",
        "if not task.key:",
        (_ORACLE,),
    ),
    Fault(
        "the oracle gives every answer at each pull",
        "biorat_al/desk/oracle.py",
        "cursor=str(max(existing, default=0))",
        'cursor="0"',
        (_ORACLE,),
    ),
    Fault(
        "the oracle gives the last answer again",
        "biorat_al/desk/oracle.py",
        "WHERE project = ? AND task.id > ?",
        "WHERE project = ? AND task.id >= ?",
        (_ORACLE,),
    ),
    Fault(
        "one proposal is accepted for two mentions",
        "biorat_al/desk/oracle.py",
        "                proposals.remove(proposal)\n",
        "",
        (_ORACLE,),
    ),
    Fault(
        "a version without pre-labels can be shown",
        "biorat_al/desk/oracle.py",
        "            if known is None:\n                raise",
        "            if False:\n                raise",
        (_ORACLE,),
    ),
    Fault(
        "the second half of a batch that is too large is not sent",
        "biorat_al/desk/labelstudio/pushing.py",
        "return {**first, **push(connection, project, configuration, tasks[half:])}",
        "return first",
        (f"{_FEWER}::test_a_batch_that_is_too_large_goes_in_pieces_and_each_task_once",),
    ),
    Fault(
        "tasks that still arrive are given up",
        "biorat_al/desk/labelstudio/pushing.py",
        "found, last_change = now, time.monotonic()",
        "found = now",
        (f"{_FEWER}::test_as_long_as_tasks_arrive_they_are_waited_for",),
        places=None,
    ),
    Fault(
        "a task that has another's key in it is taken for it",
        "biorat_al/desk/labelstudio/pushing.py",
        "key in wanted:",
        "key:",
        (f"{_FEWER}::test_only_the_keys_that_were_asked_for_are_found",),
    ),
    Fault(
        "fewer pre-labels than were sent are accepted",
        "biorat_al/desk/labelstudio/pushing.py",
        'wanted = sum("predictions" in task for task in body)',
        'wanted = answer.get("prediction_count", 0)',
        (f"{_FEWER}::test_fewer_pre_annotations_than_were_sent_are_refused",),
    ),
)

ACQUISITION = (
    Fault(
        "the surest come first",
        "biorat_al/acquisition/selection.py",
        "len(pool)), -scores))",
        "len(pool)), scores))",
        (_SELECTION,),
    ),
    Fault(
        "ties are decided by the order of the ids",
        "biorat_al/acquisition/selection.py",
        "np.lexsort((generator.permutation(len(pool)), -scores))",
        "np.lexsort((np.arange(len(pool)), -scores))",
        (_SELECTION,),
    ),
    Fault(
        "a document that costs exactly what is left does not fit",
        "biorat_al/acquisition/selection.py",
        "(self._tokens is None or tokens <= self._tokens)",
        "(self._tokens is None or tokens < self._tokens)",
        (_SELECTION,),
    ),
    Fault(
        "near-duplicates fill a budget that others do not fit into",
        "biorat_al/acquisition/selection.py",
        "    if not passed_over:\n",
        "    if True:\n",
        (_SELECTION,),
    ),
    Fault(
        "the order in which candidates are given decides",
        "biorat_al/acquisition/selection.py",
        "order = sorted(range(len(candidates)), key=candidates.ids.__getitem__)",
        "order = list(range(len(candidates)))",
        (f"{_STRATEGIES}::test_the_order_of_the_candidates_changes_nothing",),
    ),
    Fault(
        "two candidates may have one id",
        "biorat_al/acquisition/selection.py",
        "if len(set(candidates.ids)) != len(candidates.ids):",
        "if False:",
        (_SELECTION,),
    ),
    Fault(
        "only copies of half a text are near-duplicates",
        "biorat_al/acquisition/similarity.py",
        "NEAR_DUPLICATE = 0.8",
        "NEAR_DUPLICATE = 0.97",
        (_SELECTION,),
    ),
    Fault(
        "documents are compared with what was taken of their own window alone",
        "biorat_al/acquisition/redundancy.py",
        "            self._compare_with_batch()\n",
        "",
        ("tests/acquisition/test_redundancy.py",),
    ),
    Fault(
        "what was dropped comes back",
        "biorat_al/acquisition/redundancy.py",
        "        self._waiting = self._waiting[~unwanted[self._waiting]]\n",
        "",
        ("tests/acquisition/test_redundancy.py",),
    ),
    Fault(
        "what a first batch covers already is counted again",
        "biorat_al/acquisition/coverage.py",
        "            np.maximum(covered, similarity[row], out=covered)\n",
        "",
        ("tests/acquisition/test_coverage.py",),
    ),
    Fault(
        "a draw from a large pool takes the first documents",
        "biorat_al/acquisition/coverage.py",
        "drawn = generator.permutation(len(candidates))",
        "drawn = np.arange(len(candidates))",
        ("tests/acquisition/test_coverage.py",),
    ),
    Fault(
        "core-set does not know what is labelled",
        "biorat_al/acquisition/sets.py",
        "candidates.labelled if len(candidates.labelled) else points.mean(axis=0, keepdims=True)",
        "points.mean(axis=0, keepdims=True)",
        (_SETS,),
    ),
    Fault(
        "core-set takes the nearest",
        "biorat_al/acquisition/sets.py",
        "farthest = int(nearest.argmax())",
        "farthest = int(np.abs(nearest).argmin())",
        (_SETS,),
    ),
    Fault(
        "badge begins with the shortest gradient",
        "biorat_al/acquisition/sets.py",
        ".sum(axis=1).argmax()])",
        ".sum(axis=1).argmin()])",
        (_SETS,),
    ),
    Fault(
        "cluster-margin takes the largest margins",
        "biorat_al/acquisition/sets.py",
        "np.lexsort((generator.permutation(len(margins)), -margins))",
        "np.lexsort((generator.permutation(len(margins)), margins))",
        (_SETS,),
    ),
    Fault(
        "cluster-margin begins with the largest clusters",
        "biorat_al/acquisition/sets.py",
        "shuffled.sort(key=len)",
        "shuffled.sort(key=len, reverse=True)",
        (_SETS,),
    ),
    Fault(
        "strategies choose more than the budget pays for",
        "biorat_al/acquisition/base.py",
        "return len(self) if self.wanted is None else min(self.wanted, len(self))",
        "return len(self)",
        (_SETS,),
    ),
    Fault(
        "mnlp favours long documents",
        "biorat_al/acquisition/uncertainty.py",
        'measure = "mnlp"',
        'measure = "least_confidence"',
        (f"{_STRATEGIES}::test_each_strategy_looks_at_the_measure_that_it_is_named_after",),
    ),
    Fault(
        "density is added to uncertainty",
        "biorat_al/acquisition/density.py",
        "uncertainty * np.clip",
        "uncertainty + np.clip",
        ("tests/acquisition/test_density.py",),
    ),
    Fault(
        "a loss in F1 is no plateau",
        "biorat_al/acquisition/stopping.py",
        'StoppingAdvice("performance plateau", gain < GAIN, gain)',
        'StoppingAdvice("performance plateau", 0 <= gain < GAIN, gain)',
        (_STOPPING,),
    ),
    Fault(
        "rounds on other test documents are compared",
        "biorat_al/acquisition/stopping.py",
        "        if observation.test_documents != rounds[-1].test_documents:\n            break\n",
        "",
        (_STOPPING,),
    ),
)

FAULTS = (*MISSED, *ROUNDS, *STORE, *DESK, *ACQUISITION)
