import os


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=int(os.environ.get("MILLRACE_KILLS", "5")),
                     help="how often the exactly-once job is killed ($MILLRACE_KILLS)")
