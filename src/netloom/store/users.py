"""Users: the names that own jobs."""

from __future__ import annotations

import time

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from netloom.store.part import Part
from netloom.store.records import User


class Users(Part):
    """Part of the store."""

    def ensure_user(self, name: str) -> User:
        """Return the user of this name; add it when it is new."""
        user = self._user(name)
        if user is not None:
            return user
        try:
            with self.database.write() as session:
                user = User(name=name, created=time.time())
                session.add(user)
            return user
        except IntegrityError:  # added by another process in between
            return self.ensure_user(name)

    def _user(self, name: str) -> User | None:
        with self.database.read() as session:
            return session.scalar(select(User).where(User.name == name))
