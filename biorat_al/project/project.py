"""An opened project: its rounds, its status, and what it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from biorat_al.acquisition.registry import find_strategy
from biorat_al.claims import check_target, claimed
from biorat_al.corpus.formats.base import ReadOptions, ReadReport
from biorat_al.corpus.model.document import Annotation, Record
from biorat_al.corpus.sources import Sources
from biorat_al.errors import NothingToDoYet, ProjectError, SettingsError, UsageError
from biorat_al.learner.encoder.encoder import resolve_encoder
from biorat_al.progress import SILENT, Progress
from biorat_al.project.completeness import is_complete
from biorat_al.project.new_folder import check_finished
from biorat_al.project.team import Team
from biorat_al.rounds.context import MODELS, RoundRequest
from biorat_al.rounds.status import ProjectStatus, project_status
from biorat_al.settings import SETTINGS_FILE, AskedUnit, Settings, project_guidelines, read_settings
from biorat_al.store.answers import read_gold
from biorat_al.store.documents import ImportReport
from biorat_al.store.models import newest_model
from biorat_al.store.store import Store

if TYPE_CHECKING:
    from biorat_al.desk.base import Desk
    from biorat_al.efficiency.coverage.coverage import MentionCoverage
    from biorat_al.efficiency.report.page import Report
    from biorat_al.export.export import ExportOptions, ExportReport
    from biorat_al.people.agreement_report import AgreementReport
    from biorat_al.people.audit.audit import Audit
    from biorat_al.project.settling import Settling
    from biorat_al.rounds.plan import RoundPlan
    from biorat_al.rounds.runner import Follow, RoundReport


class Project:
    """An opened project, from :meth:`open` or :meth:`init`; close it, or use it in a ``with`` statement.

    :param folder: the project's folder.

    In this example an oracle answers from gold annotations; with ``{"kind": "label-studio"}`` people do. `encoder` is
    the name of the encoder, for example ``"pubmedbert"``:

    >>> from pathlib import Path
    >>> from biorat_al import Project, Sources, make_settings, write_corpus
    >>> from biorat_al.demo.corpus import read_demo_corpus
    >>> write_corpus(Path("documents.jsonl"), read_demo_corpus())
    180
    >>> settings = make_settings({
    ...     "name": "trial",
    ...     "entities": [{"name": "Chemical"}, {"name": "Disease"}],
    ...     "encoder": {"name": encoder},
    ...     "desk": {"kind": "oracle"},
    ... })
    >>> project, imported, read = Project.init("trial", settings, Sources(["documents.jsonl"], test_size=12, gold=True))
    >>> with project:
    ...     report = project.round(size=5)
    >>> report.number, report.step("push").counts["tasks"]
    (0, 5)
    """

    def __init__(self, folder: Path, settings: Settings, store: Store, desk: Desk | None = None) -> None:
        self.folder = folder
        self.settings = settings
        self.store = store
        self._desk = desk

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.close()

    @classmethod
    def find(cls, start: Path | None = None) -> Path:
        """Return the folder of the project that contains `start` (None: the working directory), searching upwards.

        :raises ProjectError: there is no project.
        """
        begin = (start or Path.cwd()).resolve()
        for folder in (begin, *begin.parents):
            if (folder / SETTINGS_FILE).is_file():
                return folder
        raise ProjectError(
            f"{begin} is not inside a biorat-al project; go to the project's folder, name it with --project, "
            "or make one: biorat-al init"
        )

    @classmethod
    def open(cls, folder: str | Path | None = None, *, desk: Desk | None = None) -> Project:
        """Open the project in `folder`; None searches from the working directory upwards.

        :param desk: used instead of the desk in the settings.
        :raises ProjectError: there is no project.
        :raises SettingsError: its settings cannot be read.
        :raises StoreError: its database cannot be used.
        """
        place = cls.find() if folder is None else Path(folder).resolve()
        if not (place / SETTINGS_FILE).is_file():
            raise ProjectError(f"{place} is not a biorat-al project: it has no {SETTINGS_FILE}")
        settings = read_settings(place)
        for key in ("strategy", "seed_strategy"):
            try:
                find_strategy(getattr(settings.selection, key))
            except UsageError as error:
                raise SettingsError(f"{place / SETTINGS_FILE}: selection.{key}: {error}") from None
        check_finished(place, is_complete)
        return cls(place, settings, Store.open(settings.database.url, place), desk)

    @classmethod
    def init(
        cls,
        folder: str | Path,
        settings: Settings,
        sources: Sources,
        *,
        guidelines: str | Path | None = None,
        progress: Progress = SILENT,
    ) -> tuple[Project, ImportReport, ReadReport]:
        """Make a project in a new or empty folder; return it, and what was imported and read. A failure leaves nothing.

        :param sources: the documents. An oracle answers from their gold annotations; with Label Studio, documents with
            gold annotations count as annotated.
        :param guidelines: a Markdown or text file to show to annotators; it is copied into the project.
        :raises ProjectError: the folder already has content, or the database holds a project.
        :raises CorpusError: a document or an annotation cannot be read.
        :raises LabelError: labels and documents do not fit together.
        :raises EncoderNotFoundError: the encoder is not on disk and could not be downloaded.
        """
        # only here are documents read, and the formats take long to import
        from biorat_al.project.creation import create_project

        place = Path(folder).resolve()
        report, read = create_project(
            place,
            settings,
            sources,
            guidelines=None if guidelines is None else Path(guidelines),
            progress=progress,
        )
        return cls.open(place), report, read

    @property
    def desk(self) -> Desk:
        """The desk where people annotate, as in the settings; opened at first use.

        :raises DeskError: Label Studio's address or token is not in the environment and no local server runs.
        """
        if self._desk is None:
            if self.settings.desk.kind == "oracle":
                from biorat_al.desk.oracle import OracleDesk

                self._desk = OracleDesk(self._gold, self.folder)
            else:
                from biorat_al.desk.labelstudio.client import connect

                self._desk = connect()
        return self._desk

    @property
    def team(self) -> Team:
        """The group of annotators."""
        return Team(self.folder, self.settings, self.store, lambda: self.desk)

    def round(
        self,
        *,
        size: int | None = None,
        tokens: int | None = None,
        strategy: str | None = None,
        partial: bool = False,
        unit: AskedUnit | None = None,
        complete: bool | int = False,
        until_pushed: bool = False,
        ray: str | None = None,
        progress: Progress = SILENT,
        follow: Follow | None = None,
    ) -> RoundReport:
        """Run the next round, or finish the one that was cut off.

        :param size: number of documents to ask for; None uses the settings.
        :param tokens: number of word pieces to ask for, instead of documents.
        :param strategy: name of the query strategy; None uses the settings.
        :param partial: continue although annotators have not finished.
        :param unit: whether to ask for documents or for sentences; None uses the settings.
        :param complete: ask for documents of which some sentences are annotated, instead of selecting by a strategy: at
            most so many, or with True at most the settings' size. No other option for what to ask for can be given.
        :param until_pushed: stop when annotators have their tasks; the next call does the rest of the round.
        :param ray: address of a Ray cluster on which arms are trained and the pool is predicted, ``HOST:PORT`` or
            ``auto``; empty: that of the settings, or else Ray on this machine. None uses this machine without Ray.
        :param follow: called after each step, with the steps of that round that have ended so far.
        :raises NothingToDoYet: annotators have not finished, or there is no document to complete.
        :raises LockedError: another process is running a round of this project.
        :raises SettingsError: the guidelines cannot be read.
        :raises ClusterError: the cluster does not answer, lacks something, or loses the same work again and again.
        """
        from biorat_al.rounds.computing.choice import chosen_compute
        from biorat_al.rounds.runner import UNTIL_PUSHED, Audience, RunOptions, run_round

        request = RoundRequest.asked(size, tokens, strategy, partial, unit, complete)
        project_guidelines(self.folder, self.settings)  # better to report this now than after training
        audience = Audience(progress) if follow is None else Audience(progress, follow)
        with chosen_compute(self.settings, self.store, ray, progress) as compute:
            options = RunOptions(UNTIL_PUSHED if until_pushed else None, compute)
            return run_round(self.folder, self.settings, self.store, self.desk, request, audience, options)

    def status(self, *, ask_desk: bool = True, target: float | None = None) -> ProjectStatus:
        """Return how far the project has come.

        :param ask_desk: also count what annotators have finished since the last round; if the desk does not answer, the
            status says so.
        :param target: the F1 whose cost in labels is forecast, between 0 and 1; None forecasts nothing.
        """
        status = project_status(self.folder, self.settings, self.store, (lambda: self.desk) if ask_desk else None)
        if target is None or not any(one.evaluated for one in status.rounds):
            return status
        from biorat_al.efficiency.report.forecast_in_words import project_forecast

        forecast = project_forecast(self.settings, self.store, target, status.to_annotate)
        return replace(status, forecast=forecast)

    def coverage(self) -> MentionCoverage:
        """Estimate which share of all mentions in the pool has been found, and the hours until 95 % are.

        :raises NothingToDoYet: nothing has been annotated yet.
        """
        from biorat_al.efficiency.coverage.coverage import mention_coverage

        return mention_coverage(self.settings, self.store)

    def agreement(self, *, label: str | None = None, pre_labelled: bool = False) -> AgreementReport:
        """Return how far annotators agree on the texts that several of them annotated independently.

        :param label: only this label of mentions or relations.
        :param pre_labelled: also count answers that began from a pre-label.
        :raises NothingToDoYet: no text has two answers that count.
        :raises UsageError: nobody used `label` in these texts.
        """
        from biorat_al.people.agreement_report import measure_agreement
        from biorat_al.people.pre_label_answers import measure_pre_label_bias

        with self.store.read() as session:
            report = measure_agreement(session, pre_labelled=pre_labelled)
            if label is not None:
                return report.only(label)
            return replace(report, pre_labels=measure_pre_label_bias(session))

    def export(
        self,
        destination: str | Path,
        *,
        format: str = "bigbio",
        force: bool = False,
        options: ExportOptions | None = None,
    ) -> ExportReport:
        """Write the annotated corpus; return the number of documents by split, and the undecided ties.

        :param format: ``bigbio`` (a folder that ``datasets`` loads) or ``jsonl`` (one file, complete).
        :param force: replace existing output.
        :param options: splits, annotators and content of the data card; None takes the defaults.
        :raises NothingToDoYet: nothing has been annotated yet.
        :raises ProjectError: the destination already exists and `force` is not set.
        :raises CorpusError: a document or its annotation is wrong; nothing is written.
        """
        from biorat_al.efficiency.runs.annotator_work import annotator_work
        from biorat_al.export.export import ExportOptions, export_corpus

        options = options or ExportOptions()
        work = annotator_work(self.store)
        accepted = sum(part.total("accepted") for part in work), sum(part.proposed for part in work)
        if options.guidelines is None and self.settings.guidelines is not None and format == "bigbio":
            options = replace(options, guidelines=self.folder / self.settings.guidelines)
        return export_corpus(
            self.settings,
            self.store,
            Path(destination),
            format=format,
            force=force,
            options=options,
            accepted=accepted,
        )

    def report(
        self, output: str | Path | None = None, *, target: float | None = None, force: bool = False
    ) -> tuple[Path, Report]:
        """Write the report on label efficiency; return the path of its page, and the report.

        :param output: an HTML file, or a folder for ``report.html``; None uses ``report`` in the project's folder.
        :param target: F1 to compare the arms at and to forecast, a fraction between 0 and 1.
        :param force: replace a file named by `output`; without one, an earlier report is replaced.
        :raises NothingToDoYet: there has been no round.
        :raises ProjectError: the file already exists and may not be replaced.
        """
        from biorat_al.efficiency.report.build import project_report
        from biorat_al.efficiency.report.page import check_page, place_of

        page, force = place_of(self.folder, None if output is None else Path(output), force=force)
        with claimed(page, force=force, parents=True) as claim:
            check_page(page, force=force, claim=claim)
            report = project_report(
                self.folder, self.settings, self.store, target=target, count_tokens=self._count_tokens
            )
            report.write(page, force=force)
        return page, report

    @property
    def settling(self) -> Settling:
        """What people are asked again: what annotators disagree on, and what an audit found."""
        from biorat_al.project.settling import Settling

        return Settling(self.folder, self.settings, self.store, lambda: self.desk)

    def audit(
        self,
        *,
        limit: int | None = None,
        label: str | None = None,
        folds: int | None = None,
        progress: Progress = SILENT,
    ) -> Audit:
        """Return what looks wrong in the annotated documents, worst first.

        :param limit: number of findings; None returns all.
        :param label: only findings on this label.
        :param folds: number of models that are trained for it, each of which reads a part of the documents that it has
            not learnt from. What they read is kept until annotations change. None trains no model.
        :raises UsageError: the project has no such label, or there are fewer documents than `folds`.
        :raises NothingToDoYet: nothing has been annotated yet.
        """
        from biorat_al.people.audit.of_project import audit_project
        from biorat_al.rounds.out_of_fold.of_project import read_out_of_fold

        if label is not None and label not in self.settings.labels:
            raise UsageError(f"unknown label {label!r}; the project has {', '.join(self.settings.labels)}")
        held_out = read_out_of_fold(self.folder, self.settings, self.store, folds, progress)
        audit = audit_project(self.settings, self.store, held_out)
        if not audit.documents:
            raise NothingToDoYet("nothing has been annotated yet, so there is nothing to audit; run: biorat-al round")
        return audit.only(limit=limit, label=label)

    def plan(
        self,
        *,
        size: int | None = None,
        tokens: int | None = None,
        strategy: str | None = None,
        partial: bool = False,
        unit: AskedUnit | None = None,
        complete: bool | int = False,
    ) -> RoundPlan:
        """Return what :meth:`round` would do now. Changes nothing, neither here nor on the desk."""
        from biorat_al.rounds.plan import plan_round

        request = RoundRequest.asked(size, tokens, strategy, partial, unit, complete)
        return plan_round(self.settings, self.store, lambda: self.desk, request)

    def predictions(
        self,
        paths: Sequence[str | Path],
        *,
        reading: ReadOptions = ReadOptions(),  # noqa: B008 - it is frozen
        report: ReadReport | None = None,
        progress: Progress = SILENT,
    ) -> Iterator[Record]:
        """Yield any documents with annotations by the newest committee, or model of the selecting arm.

        :raises NothingToDoYet: no model has been trained yet.
        :raises ProjectError: the model's folder is missing or damaged.
        """
        with self.store.read() as session:
            model = newest_model(session)
        if model is None:
            raise NothingToDoYet(
                "no model has been trained yet, so there is nothing to predict with; annotate the open tasks, then "
                "run: biorat-al round"
            )
        folder = self.folder / MODELS / model.version
        if not folder.is_dir():
            raise ProjectError(
                f"the model {model.version} is gone from {folder.parent}; put its folder back there, or let the next "
                "round train a new one: biorat-al round"
            )
        from biorat_al.rounds.steps.train import is_whole

        if not is_whole(folder, model):
            raise ProjectError(
                f"the model {model.version} in {folder.parent} is damaged or was changed after it was trained; put its "
                "folder back from a backup, or let the next round train a new one: biorat-al round"
            )
        from biorat_al.corpus.reading import read_with
        from biorat_al.export.export import predicted_records
        from biorat_al.learner.predictor import Predictor

        records = read_with(reading, paths, report=report)
        return predicted_records(Predictor.load(folder), records, progress)

    def predict(
        self,
        paths: Sequence[str | Path],
        output: str | Path,
        *,
        reading: ReadOptions = ReadOptions(),  # noqa: B008 - it is frozen
        force: bool = False,
        progress: Progress = SILENT,
    ) -> int:
        """Write :meth:`predictions` to a JSON Lines file; return the number of documents.

        :raises ProjectError: the file already exists and `force` is not set.
        """
        from biorat_al.corpus.formats.jsonl import write_jsonl
        from biorat_al.corpus.notices import reading_lines

        target = Path(output)
        read = ReadReport()
        with claimed(target, force=force) as claim:
            check_target(target, force=force, claim=claim)
            count = write_jsonl(target, self.predictions(paths, reading=reading, report=read, progress=progress))
        for line in reading_lines(read):
            progress.say(line)
        return count

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def _count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        return resolve_encoder(self.settings.encoder.name, self.settings.encoder.max_length).count_tokens(texts)

    def _gold(self, keys: Sequence[str]) -> Mapping[str, Annotation]:
        return read_gold(self.store, keys)
