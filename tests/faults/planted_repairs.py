"""Repairs that are taken back, one at a time: what was wrong or lost in silence before would be so again."""

from __future__ import annotations

from tests.faults.fault import Fault

_TASKS = "tests/store/test_tasks.py"
_SETTLED = "tests/rounds/settling/test_adjudicating.py"
_PUSH = "tests/rounds/steps/test_push.py"
_INTEGRITY = "tests/rounds/test_integrity.py"
_ROWS = "tests/store/database/test_integrity.py"
_CHECKSUMS = "tests/store/database/test_checksums.py"
_CURSOR = "tests/desk/labelstudio/test_cursor.py"
_LISTING = "tests/desk/labelstudio/test_listing.py"

REPAIRS = (
    Fault(
        "answers on the copy of a task are left alone",
        "biorat_al/store/tasks.py",
        "counts, columns) for task in tasks]",
        "counts, columns) for task in tasks[:1]]",
        (f"{_TASKS}::test_answers_on_all_tasks_of_a_document_count",),
    ),
    Fault(
        "an adjudicator's answer is one vote among others",
        "biorat_al/rounds/steps/settled.py",
        "ground_truth=True",
        "ground_truth=False",
        (f"{_SETTLED}::test_the_adjudicated_answer_counts_and_the_annotators_keep_theirs",),
    ),
    Fault(
        "what annotators changed after they were adjudicated is not reported",
        "biorat_al/people/settling/contested.py",
        "one.digest not in answered[one.document_id]",
        "False",
        (f"{_SETTLED}::test_an_annotator_who_edits_after_adjudication_is_reported_and_the_truth_stays",),
    ),
    Fault(
        "a text of a document becomes HTML above it",
        "biorat_al/desk/labelstudio/sheets.py",
        "escape(",
        "(",
        ("tests/desk/labelstudio/test_sheets.py",),
    ),
    Fault(
        "nobody is told that a person has answered a task and its copy",
        "biorat_al/store/tasks.py",
        "if len(places) > 1}",
        "if len(places) > 2}",
        (f"{_TASKS}::test_of_two_answers_of_one_person_to_a_task_and_its_copy_the_later_counts_and_it_is_told",),
    ),
    Fault(
        "tasks that a restored database does not know are left alone",
        "biorat_al/store/tasks.py",
        "    rows |= adopted\n",
        "    adopted.clear()\n",
        (f"{_TASKS}::test_answers_on_tasks_that_a_restored_database_does_not_know_count",),
    ),
    Fault(
        "all copies of a task that nobody has answered are to be deleted",
        "biorat_al/desk/labelstudio/listing.py",
        "spare += empty if len(empty) < len(tasks) else empty[1:]",
        "spare += empty",
        (_LISTING,),
    ),
    Fault(
        "each copy of a task asks for an answer",
        "biorat_al/desk/labelstudio/listing.py",
        "            left.pop(ident, None)\n",
        "            pass\n",
        (_LISTING,),
    ),
    Fault(
        "a task has changed only where its time is later",
        "biorat_al/desk/labelstudio/pulling.py",
        '(last.tasks.get(str(task.id)) or Seen("", 0, ""))[:2] != (task.stamp, task.answers)',
        '(last.tasks.get(str(task.id)) or Seen("", 0, "")).stamp < task.stamp',
        (f"{_CURSOR}::test_an_answer_that_a_clock_dates_back_is_fetched",),
    ),
    Fault(
        "the number of answers says nothing of a change",
        "biorat_al/desk/labelstudio/pulling.py",
        "[:2] != (task.stamp, task.answers)",
        "[:1] != (task.stamp,)",
        (f"{_CURSOR}::test_an_answer_is_fetched_where_the_counts_alone_tell_of_it",),
    ),
    Fault(
        "tasks are sent in one piece",
        "biorat_al/rounds/team/sending.py",
        "CHUNK = 100\n",
        "CHUNK = 100_000\n",
        (f"{_PUSH}::test_tasks_are_sent_in_pieces",),
    ),
    Fault(
        "a server that hung is given no time from its first answer",
        "biorat_al/desk/base.py",
        "        arrived = self.find(project, keys)\n        deadline = time.monotonic() +",
        "        began = time.monotonic()\n        arrived = self.find(project, keys)\n        deadline = began +",
        ("tests/rounds/steps/test_late_push.py::test_the_time_to_wait_begins_when_a_desk_that_hung_answers_again",),
    ),
    Fault(
        "rows are not compared with their checksums",
        "biorat_al/rounds/runner.py",
        "        _check_database(store)\n",
        "",
        (f"{_INTEGRITY}::test_a_label_that_was_changed_in_the_database_is_neither_learnt_nor_exported",),
    ),
    Fault(
        "an export does not compare rows with their checksums",
        "biorat_al/export/export.py",
        "        check_rows(session)\n",
        "",
        (f"{_INTEGRITY}::test_a_label_that_was_changed_in_the_database_is_neither_learnt_nor_exported",),
    ),
    Fault(
        "SQLite is not asked to check its file",
        "biorat_al/store/database/integrity.py",
        "    _check_file(session)\n",
        "",
        (f"{_ROWS}::test_an_index_that_no_longer_fits_its_rows_is_told",),
    ),
    Fault(
        "a row that is changed keeps the checksum it had",
        "biorat_al/store/database/checksums.py",
        "    row.checksum = checksum_of(table,",
        "    _ = checksum_of(table,",
        (f"{_CHECKSUMS}::test_rows_have_their_checksums_whichever_way_they_were_written_and_changed",),
    ),
    Fault(
        "texts are not compared with their digests",
        "biorat_al/store/documents.py",
        "if check:",
        "if not check:",
        (f"{_INTEGRITY}::test_a_text_that_was_changed_in_the_database_is_not_learnt_from",),
    ),
    Fault(
        "annotators are shown texts that nobody has compared",
        "biorat_al/rounds/team/sending.py",
        "documents_by_id(session, document_ids, check=True)",
        "documents_by_id(session, document_ids)",
        (f"{_INTEGRITY}::test_a_text_that_was_changed_after_it_was_chosen_is_not_shown_to_annotators",),
    ),
    Fault(
        "weights are not compared with their digest",
        "biorat_al/rounds/steps/train.py",
        "    if not is_intact(folder, row.sha256):\n        return False\n",
        "",
        (f"{_INTEGRITY}::test_changed_weights_do_not_predict_unnoticed",),
    ),
    Fault(
        "an encoder whose files were changed is used without a word",
        "biorat_al/rounds/steps/train.py",
        " + ([changed] if changed else [])",
        "",
        (f"{_INTEGRITY}::test_an_encoder_whose_files_were_changed_is_told",),
    ),
    Fault(
        "two processes may claim one name",
        "biorat_al/claims.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        ("tests/test_claims.py",),
    ),
    Fault(
        "what has appeared under a claimed name is replaced",
        "biorat_al/files.py",
        "            if may_replace(path):\n",
        "            if True:\n",
        ("tests/test_claims.py",),
    ),
    Fault(
        "two inits may fill one database",
        "biorat_al/project/creation.py",
        "        if not taken:\n",
        "        if taken is None:\n",
        ("tests/project/test_init_cut_off.py",),
        postgres=True,
    ),
    Fault(
        "the connection of the lock is left idle",
        "biorat_al/rounds/lock.py",
        "while not self._lost and not self._over.wait(KEEP_ALIVE_SECONDS):",
        "while False:",
        ("tests/rounds/test_lock.py::test_the_connection_of_a_lock_is_used_again_and_again",),
        postgres=True,
    ),
    Fault(
        "a step is written though the lock was lost in it",
        "biorat_al/rounds/runner.py",
        "        raise\n    context.check_lock()\n",
        "        raise\n",
        (f"{_PUSH}::test_whoever_has_lost_the_lock_writes_no_result",),
    ),
    Fault(
        "tasks are sent though the lock was lost",
        "biorat_al/rounds/runner.py",
        "request, progress, lock.check, compute",
        "request, progress, compute",
        (f"{_PUSH}::test_whoever_has_lost_the_lock_sends_nothing",),
    ),
    Fault(
        "an empty database file is filled",
        "biorat_al/store/database/engine.py",
        "if not file.stat().st_size and",
        "if file.stat().st_size < 0 and",
        ("tests/project/test_project.py::test_a_database_file_that_is_empty_is_neither_filled_nor_called_upgraded",),
    ),
    Fault(
        "a missing database file is made",
        "biorat_al/store/database/engine.py",
        "    if not file.is_file():\n        raise StoreError",
        "    if not file.is_file():\n        file.touch()\n        StoreError",
        ("tests/project/test_project.py::test_an_upgrade_of_a_database_that_is_missing_makes_none",),
    ),
    Fault(
        "a resumed push counts the blind tasks that it sent itself",
        "biorat_al/rounds/steps/push.py",
        'count_asked(session, "test", context.number)',
        "len(blind)",
        (f"{_PUSH}::test_the_test_tasks_of_a_push_that_was_cut_off_are_counted",),
    ),
    Fault(
        "a label that was added later counts as not there in earlier documents",
        "biorat_al/store/answers.py",
        "return replace(vote, unasked=unasked, guidelines=guidelines) if unasked or guidelines else vote",
        "return replace(vote, guidelines=guidelines) if guidelines else vote",
        ("tests/rounds/test_label_added.py",),
    ),
    Fault(
        "a dictionary pre-labels although chance may have put it before the model",
        "biorat_al/rounds/pre_labels/choice.py",
        'if entry.get("low", 0.0) > 0]',
        'if entry.get("low", 0.0) > -1]',
        ("tests/rounds/pre_labels/test_choice.py",),
    ),
    Fault(
        "mentions of somebody else's text are shown at the same offsets",
        "biorat_al/rounds/pre_labels/copying.py",
        "        if not same:\n",
        "        if entity.end > len(ours.text):\n",
        ("tests/rounds/pre_labels/test_first_batch.py",),
    ),
    Fault(
        "a changed dictionary is not told",
        "biorat_al/rounds/pre_labels/pre_labeller.py",
        "if before is not None and before != one.sha256:",
        'if before is not None and before == "":',
        ("tests/rounds/pre_labels/test_first_batch.py::test_a_changed_dictionary_is_told_once",),
    ),
    Fault(
        "a model is calibrated on confidences that were calibrated before",
        "biorat_al/rounds/models/calibration.py",
        "before.extend(scaling.undo(",
        "before.extend(Scaling().undo(",
        ("tests/rounds/models/test_calibration.py",),
    ),
    Fault(
        "few answers are believed as if they were many",
        "biorat_al/learner/scaling.py",
        "away = (values - centre) / spread",
        "away = (values - centre) / (100 * spread)",
        ("tests/learner/test_scaling.py",),
    ),
)
"""Repairs, and the tests that were written for them."""
