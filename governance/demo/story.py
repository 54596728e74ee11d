"""The whole story, chapter by chapter. Every step goes through REST or the admin, as the person whose step it is."""

from governance.demo.chapters import building, deciding, proving, watching
from governance.demo.stage import Stage

MOST_SCORED = 5_000


def tell(stage: Stage) -> None:
    """From a data file to an evidence bundle that a stranger has verified."""
    with stage.story.step("An operator sets everything up: tables, keys, people, processes"):
        stage.set_up()
    building.take_in_the_data(stage)
    building.enter_the_model(stage)
    building.adopt_policies(stage)
    building.train(stage)
    building.register(stage)
    deciding.score_too_early(stage)
    building.measure(stage, 1)
    building.promote(stage, 1)
    deciding.score_one(stage)
    deciding.explain_one(stage)
    deciding.show_refusals(stage)
    deciding.score_all(stage, MOST_SCORED)
    deciding.let_an_officer_decide(stage)
    deciding.send_notices(stage)
    deciding.supply_outcomes(stage)
    watching.report(stage)
    watching.answer_the_bias_alert(stage)
    watching.shift_the_population(stage)
    watching.retrain(stage)
    watching.let_people_decide(stage)
    proving.judge_again(stage)
    proving.seal_and_archive(stage)
    proving.export_and_verify(stage)
    proving.tamper(stage)
