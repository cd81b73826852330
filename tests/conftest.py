"""What all tests share: examples of hypothesis are judged by what they find, never by how long they take."""

from hypothesis import settings

settings.register_profile("house", deadline=None)
settings.load_profile("house")
