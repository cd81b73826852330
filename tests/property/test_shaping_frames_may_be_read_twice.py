"""Whatever stands in the stream: to read a part of it again changes nothing, and every process that read it says the same."""

from hypothesis import given
from hypothesis import strategies as st

from fastemailnet.delivery.shaping.frames import Frame, Hit, Of, Resume, Scope, Suspend, decode_frame, encode_frame
from fastemailnet.delivery.shaping.overrides import Effect, Overrides
from fastemailnet.delivery.shaping.reader import read

ACTIONS = ('"Suspend"', '"Bounce"', '"SuspendTenant"', '{SetConfig={name="connection_limit", value=1}}')
POLICY = read(
    [
        (
            "f.toml",
            "".join(
                f'[["default".automation]]\nregex = "a"\naction = {action}\nduration = "20s"\n{trigger}\n'
                for action in ACTIONS
                for trigger in ("", 'trigger = {Threshold="2/5s"}')
            ),
        )
    ]
)
TIMES = st.integers(0, 30).map(lambda second: second * 1_000)
SCOPES = st.sampled_from([Scope(Of.SITE, "s"), Scope(Of.DOMAIN, "d"), Scope(Of.DOMAIN, "d", "t")])
FRAMES: st.SearchStrategy[Frame] = st.one_of(
    st.builds(
        Hit,
        st.sampled_from([*POLICY.by_key, "gone"]),
        st.just("s"),
        st.sampled_from(["d", "e"]),
        st.sampled_from(["", "t"]),
        TIMES,
        st.just("a"),
        st.sampled_from(["a", "b"]),
    ),
    st.builds(Suspend, SCOPES, TIMES, TIMES, st.just("r")),
    st.builds(Resume, SCOPES, TIMES, st.just("r")),
)


def standing(frames: list[Frame], now_ms: int) -> list[Effect]:
    made = Overrides(POLICY)
    for frame in frames:
        made.apply(decode_frame(encode_frame(frame)))
    return made.standing(now_ms)


@given(st.lists(FRAMES, max_size=25), TIMES, st.data())
def test_a_part_that_is_read_again_changes_nothing(frames: list[Frame], now_ms: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(frames)))
    again = frames[first : data.draw(st.integers(first, len(frames)))]
    assert key(standing(frames + again, now_ms)) == key(standing(frames, now_ms))


def key(effects: list[Effect]) -> list[tuple[str, str, str, int]]:
    return sorted((str(one.scope), one.source, str(one.action), one.until_ms) for one in effects)
