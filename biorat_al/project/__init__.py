"""A project: a folder with settings, a database, models, and a desk where people annotate.

- ``project``: an opened project, with a method for what each command does; imports all below
- ``upgrade``: the database of an older version; imports ``project``
- ``settling``: what people are asked again; ``project`` gives it
- ``team``: its group of annotators; imported by ``project``
- ``creation``: how ``init`` makes a project; imports ``new_folder`` and ``completeness``
- ``completeness``: whether an ``init`` that was interrupted had made its project
- ``new_folder``: a folder that appears complete or not at all, even after a kill
- ``settings_from_options``: the settings of a new project from what a user types; imports none of these

Everything that the command line does with a project can be done from Python::

    from biorat_al import Project

    project = Project.open("my-project")
    report = project.round(size=20)
"""

from biorat_al.project.project import Project
from biorat_al.project.settings_from_options import (
    RelationOptions,
    default_name,
    new_settings,
    with_borrowed_labels,
)
from biorat_al.project.upgrade import upgrade_database

__all__ = ["Project", "RelationOptions", "default_name", "new_settings", "upgrade_database", "with_borrowed_labels"]
