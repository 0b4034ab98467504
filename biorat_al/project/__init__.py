"""A project: a folder with settings, a database, models, and a desk where people annotate.

Everything that the command line does can be done from here::

    from biorat_al import Project

    project = Project.open("my-project")
    report = project.round(size=20)
"""

from biorat_al.project.settings_from_options import RelationOptions, default_name, new_settings
from biorat_al.project.project import Project, upgrade_database

__all__ = ["Project", "RelationOptions", "default_name", "new_settings", "upgrade_database"]
