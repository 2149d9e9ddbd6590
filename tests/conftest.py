"""What holds for every test: hypothesis measures no time, for a busy machine is no defect."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("sidekey", deadline=None)
settings.load_profile("sidekey")
