"""What a reviewer would try, tried before submission: made again, shuffled, blanked, divided anew, recomputed.

python gauntlet.py                       (the top methods of every table; or conf=baseline)
only=rerun,labels-shuffled               'skip={rerun: REASON}'  budget=20m  env=current  again=true
"""

from receipts.config.entry import start
from receipts.config.questions import Gauntlet
from receipts.gauntlet import course, outcome, running, subjects


def gauntlet(asked: Gauntlet) -> int:
    course.refuse_unknown(asked)
    methods = subjects.chosen(asked)  # the rows of the tables whose numbers are put to the test
    trials = course.planned(methods, asked)  # checks x methods, the most informative first
    course.announce(trials, methods, asked)
    verdicts = running.run(trials, asked)  # what is on record already is not done again
    outcome.publish(verdicts, methods, asked)
    return outcome.show(verdicts, asked)


if __name__ == "__main__":
    start(gauntlet, Gauntlet)
