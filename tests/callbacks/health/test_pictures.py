from atelier.record import table


def test_too_few_held_out_pictures_tell_nothing_of_variety(fit, gan, column, told, tmp_path):
    fit(gan({5: 0.0}), held_out=15)
    (line,) = told()
    assert line.startswith("health: of 15 held-out pictures nobody can tell whether samples vary, 16 are needed")
    assert not any("health/diversity" in row for row in table.read(tmp_path / "metrics.csv"))
    assert column("discriminator_gradient")


def test_as_many_as_are_enough_tell_it(fit, gan, column):
    fit(gan(), held_out=16)
    assert column("diversity").keys() == {*range(2, 13, 2)}
