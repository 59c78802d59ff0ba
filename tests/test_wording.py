from atelier.wording import told_apart


def test_long_names_lose_what_they_share_and_their_middle():
    names = [f"{'a' * 30}/model=dcgan,seed={seed}/last" for seed in (1, 12)]
    assert told_apart(names, 100) == names
    assert told_apart(names, 20) == ["…seed=1…", "…seed=12…"]
    assert told_apart(["a" * 30], 11) == ["aaaaa…aaaaa"]
    assert told_apart(["b" * 9 + "c" * 9, "d"], 7) == ["bbb…ccc", "d"]
    assert told_apart([], 3) == []


def test_no_name_is_cut_to_another():
    names = [f"{'a' * 9}{middle}{'b' * 9}" for middle in "xy"]
    assert told_apart(names, 7) == names
