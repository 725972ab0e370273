"""The site: Sphinx with MyST, in a theme that fetches nothing. `optc_reference` writes the reference from the code.

pip install '.[docs]' && sphinx-build -W -n --keep-going docs build/site
"""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "optc"
version = release = metadata.version("optc")
extensions = ["myst_parser", "optc_reference"]
exclude_patterns = ["_ext", "_static"]
html_theme = "furo"
html_title = f"optc {version}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]
highlight_language = "none"  # indented blocks are sessions, not Python
myst_heading_anchors = 4  # what links to parts of pages are checked against
